"""What a process counts: handles, labels, limits, and sheets that outlive their process."""

from pathlib import Path

import pytest

from gateline.telemetry import Registry, Sheet, claim, registry
from gateline.telemetry.sheets import CHUNK, SheetView


def test_a_handle_and_the_metric_count_in_the_same_place() -> None:
    metric = Registry().metric("counter", "seen_total", "Seen.")
    metric.labels(a="1", b="2").add(2)
    metric.add(b="2", a="1")
    metric.add(3, a="2", b="1")
    assert metric.values() == {'a="1",b="2"': 3, 'a="2",b="1"': 3}


def test_a_counter_only_grows_and_only_a_gauge_is_set() -> None:
    kept = Registry()
    counter, gauge = kept.metric("counter", "seen_total", ""), kept.metric("gauge", "open", "")
    with pytest.raises(ValueError, match="only grows"):
        counter.add(-1)
    with pytest.raises(ValueError, match="cannot be set"):
        counter.set(1)
    gauge.set(5)
    gauge.add(-2)
    assert gauge.values() == {"": 3}


@pytest.mark.parametrize(
    ("value", "place"), [(-1.0, 0), (1.0, 0), (1.5, 1), (2.0, 1), (10.0, 2), (10.5, 3), (float("inf"), 3)]
)
def test_a_value_counts_for_the_first_bound_that_it_does_not_exceed(value: float, place: int) -> None:
    kept = Registry()
    kept.metric("histogram", "took", "", (10, 1, 2)).add(value)
    first = int(kept.sheet.chunks[0][1]) - 5
    assert list(kept.sheet.chunks[0][first : first + 4]) == [float(place == one) for one in range(4)]


def test_declared_labels_have_their_order_and_no_others_are_taken() -> None:
    metric = Registry().metric("counter", "seen_total", "", labels=("service", "code"))
    metric.add(code="200", service="s")
    metric.add(code="500")
    assert metric.values() == {'service="s",code="200"': 1, 'service="",code="500"': 1}
    with pytest.raises(ValueError, match="has the labels service, code, not route"):
        metric.add(route="r")


@pytest.mark.parametrize("name", ["1st", "a-b", "", "a b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name of a metric"):
        Registry().metric("counter", name, "")


@pytest.mark.parametrize("label", ["le", "__name__", "a-b"])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="not a name of a label"):
        Registry().metric("counter", "a", "").add(**{label: "x"})


def test_a_name_is_of_one_kind() -> None:
    kept = Registry()
    kept.metric("counter", "a", "")
    with pytest.raises(ValueError, match="is a counter, not a gauge"):
        kept.metric("gauge", "a", "")


def test_a_value_is_escaped_and_cut() -> None:
    metric = Registry().metric("counter", "a", "")
    metric.add(path='"\\\n')
    metric.add(path="x" * 10_000)
    assert list(metric.values()) == [r'path="\"\\\n"', f'path="{"x" * 256}"']


def test_what_is_too_much_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SERIES_LIMIT", 3)
    kept = Registry()
    free, declared = kept.metric("counter", "a", ""), kept.metric("counter", "b", "", labels=("x", "y"))
    for number in range(10):
        free.add(x=str(number))
        declared.add(x=str(number))
    assert free.values() == {'x="0"': 1, 'x="1"': 1, 'x="2"': 1, "": 7}
    assert declared.values()['x="",y=""'] == 7
    assert kept.errors.value == 14


def test_the_number_of_metrics_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "METRICS_LIMIT", 2)
    kept = Registry()
    kept.metric("counter", "a", "")
    with pytest.raises(ValueError, match="no more than 2 metrics"):
        kept.metric("counter", "b", "")


def test_series_go_on_into_further_chunks(tmp_path: Path) -> None:
    kept = Registry(Sheet(tmp_path))
    metric = kept.metric("histogram", "took", "", tuple(range(100)))
    handles = [metric.labels(n=str(number)) for number in range(CHUNK // 100 + 10)]
    for handle in handles:
        handle.add(1)
    assert len(kept.sheet.chunks) == 2
    assert set(metric.values().values()) == {1}


def test_the_sheet_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    dead = Registry(Sheet(tmp_path))
    dead.metric("counter", "seen_total", "Seen.").add(7, a="1")
    dead.metric("gauge", "open", "Open.").set(5)
    dead.metric("histogram", "took", "", (1, 2)).add(1.5)
    dead.sheet.close()
    heir = Registry(Sheet(tmp_path))
    counter, gauge = heir.metric("counter", "seen_total", "Seen."), heir.metric("gauge", "open", "Open.")
    counter.add(a="1")
    assert counter.values() == {'a="1"': 8}
    assert gauge.values() == {"": 0}, "what it had at the moment of its death is nothing any more"
    assert heir.metric("histogram", "took", "", (1, 2)).values() == {"": 1}
    assert len(list(tmp_path.glob("*.lines"))) == 1


def test_two_processes_have_a_sheet_each(tmp_path: Path) -> None:
    one, other = Sheet(tmp_path), Sheet(tmp_path)
    assert {path.name for path in tmp_path.glob("*.lines")} == {"0.lines", "1.lines"}
    one.close()
    other.close()


def test_an_entry_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    dead = Registry(Sheet(tmp_path))
    metric = dead.metric("counter", "seen_total", "")
    metric.add(a="1")
    with (tmp_path / "0.lines").open("ab") as file:
        file.write(b"1 99 a=")
    dead.sheet.close()
    heir = Registry(Sheet(tmp_path))
    heir.metric("counter", "seen_total", "").add(a="2")
    assert heir.metric("counter", "seen_total", "").values() == {'a="1"': 1, 'a="2"': 1}
    assert len(list(SheetView(tmp_path / "0.lines").refresh())) == 5


def test_without_room_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert claim(tmp_path / "file").chunks
    assert claim(None).chunks
