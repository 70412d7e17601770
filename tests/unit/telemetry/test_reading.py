"""What the processes of a node have counted, added up and written, as the parsers of prometheus_client read it."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gateline.engine import tasks
from gateline.telemetry import Family, NodeSheets, Registry, Sheet
from gateline.telemetry.exposition import prefers_openmetrics, written

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def text_of(families: list[Family], *, openmetrics: bool = False) -> str:
    async def whole() -> str:
        return "".join([piece async for piece in written(families, openmetrics=openmetrics)])

    return asyncio.run(whole())


def read(sheets: NodeSheets, *, openmetrics: bool = False) -> Values:
    """The samples, by name and labels."""
    text = text_of(asyncio.run(sheets.families()), openmetrics=openmetrics)
    families = (read_openmetrics if openmetrics else read_text)(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name != "kong_nginx_metric_errors_total"
    }


@pytest.mark.parametrize("openmetrics", [False, True])
def test_counts_of_all_processes_are_added_up(tmp_path: Path, openmetrics: bool) -> None:
    sheets = NodeSheets(tmp_path)
    one, other = Registry(Sheet(tmp_path)), Registry(Sheet(tmp_path))
    for kept, count in ((one, 2), (other, 3)):
        kept.metric("counter", "seen_total", 'How "many"\nthere \\ were.').add(count, path='a"b\\c\nd')
        kept.metric("histogram", "took", "", (1, 2.5)).add(count)
        kept.metric("gauge", "open", "").set(count)
        kept.metric("gauge", "bound", "", largest=True).set(count)
    found = read(sheets, openmetrics=openmetrics)
    one_half = "1.0" if openmetrics else "1"
    assert found == {
        ("seen_total", (("path", 'a"b\\c\nd'),)): 5,
        ("took_bucket", (("le", one_half),)): 0,
        ("took_bucket", (("le", "2.5"),)): 1,
        ("took_bucket", (("le", "+Inf"),)): 2,
        ("took_sum", ()): 5,
        ("took_count", ()): 2,
        ("open", ()): 5,
        ("bound", ()): 3,
    }


def test_what_a_dead_process_counted_stays_and_its_gauges_go(tmp_path: Path) -> None:
    sheets = NodeSheets(tmp_path)
    dead, alive = Registry(Sheet(tmp_path)), Registry(Sheet(tmp_path))
    for kept in (dead, alive):
        kept.metric("counter", "seen_total", "").add(2)
        kept.metric("gauge", "open", "").set(2)
    dead.sheet.close()
    assert read(sheets) == {("seen_total", ()): 4, ("open", ()): 2}
    heir = Registry(Sheet(tmp_path))
    heir.metric("counter", "seen_total", "").add()
    assert read(sheets) == {("seen_total", ()): 5, ("open", ()): 2}


def test_series_that_come_later_are_seen(tmp_path: Path) -> None:
    sheets = NodeSheets(tmp_path)
    kept = Registry(Sheet(tmp_path))
    metric = kept.metric("counter", "seen_total", "")
    assert read(sheets) == {}
    for number in range(20_000):
        metric.add(n=str(number))
    assert sum(read(sheets).values()) == 20_000


def test_the_newest_of_metrics_with_one_name_is_shown(tmp_path: Path) -> None:
    sheets = NodeSheets(tmp_path)
    Registry(Sheet(tmp_path)).metric("histogram", "took", "", (1,)).add(1)
    Registry(Sheet(tmp_path)).metric("histogram", "took", "", (2,)).add(1)
    assert {dict(labels).get("le") for _, labels in read(sheets)} == {"2", "+Inf", None}


def test_openmetrics_has_its_names_and_its_end() -> None:
    families = [Family.of_values("counter", "sent_bytes", "Bytes.", [("", 3.0)])]
    assert text_of(families, openmetrics=True) == (
        "# HELP sent_bytes Bytes.\n# TYPE sent_bytes counter\nsent_bytes_total 3\n# EOF\n"
    )
    assert text_of(families) == "# HELP sent_bytes Bytes.\n# TYPE sent_bytes counter\nsent_bytes 3\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-2.0, "-2"), (0.25, "0.25"), (1e20, "1e+20"), (float("inf"), "+Inf"), (float("nan"), "NaN")],
)
def test_a_number_is_written_so_that_it_is_read_as_it_is(value: float, text: str) -> None:
    assert text_of([Family.of_values("gauge", "a", "", [("", value)])]).splitlines()[-1] == f"a {text}"


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (None, False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4", True),
        ("application/openmetrics-text; version=1.0.0; q=0.3, text/plain; q=0.9", False),
        ("application/openmetrics-text;version=2.0.0,text/plain", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=x", False),
    ],
)
def test_openmetrics_is_given_to_who_prefers_it(accept: str | None, openmetrics: bool) -> None:
    assert prefers_openmetrics(accept) is openmetrics


def test_whoever_waits_gets_a_turn_while_many_series_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateline.telemetry.reading.SLICE", 0.0)
    family = Family.of_values("gauge", "a", "", [(f'n="{number}"', 1.0) for number in range(100)])
    turns = 0

    async def main() -> None:
        nonlocal turns

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        waiting = tasks.start(others(), name="others")
        assert "".join([piece async for piece in written([family], openmetrics=False)])
        waiting.cancel()

    asyncio.run(main())
    assert turns >= 100
