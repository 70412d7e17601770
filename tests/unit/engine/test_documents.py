"""Documents in a worker: what was sent, and requests that wait for one to be fetched."""

import asyncio

import pytest

from gateline.engine.documents import WorkerDocuments
from gateline.pdk.documents import RENEWAL

URL = "https://issuer.test/keys"


class Stage:
    def __init__(self, wait: float = 5.0) -> None:
        self.moment = 100.0
        self.asked: list[str] = []
        self.documents = WorkerDocuments(lambda: self.moment, wait)
        self.documents.ask = self.asked.append


@pytest.fixture
def stage() -> Stage:
    return Stage()


def row(url: str, body: bytes) -> dict[str, object]:
    return {"id": url, "body": body}


def test_what_was_sent_is_there_until_it_is_another(stage: Stage) -> None:
    documents = stage.documents
    assert documents.get(URL) is None
    documents.take([row(URL, b"one")], [], full=False)
    first = documents.get(URL)
    assert first == b"one"
    documents.take([row("https://other.test/", b"x")], [], full=False)
    assert documents.get(URL) is first
    documents.take([row(URL, bytes(bytearray(b"one")))], [], full=True)
    assert documents.get(URL) is first, "what is as it was is the same object"
    assert documents.get("https://other.test/") is None
    documents.take([row(URL, b"two")], [], full=False)
    assert documents.get(URL) == b"two"
    documents.take([], [URL], full=False)
    assert documents.get(URL) is None


def test_all_requests_wait_for_one_fetch(stage: Stage) -> None:
    async def run() -> None:
        waiting = [asyncio.ensure_future(stage.documents.renew(URL)) for _ in range(20)]  # noqa: TID251 - awaited below
        await asyncio.sleep(0)
        assert stage.asked == [URL]
        assert stage.documents.renewable(URL), "others may wait with them"
        stage.documents.renewed(URL)
        await asyncio.gather(*waiting)

    asyncio.run(run())


def test_it_is_not_asked_for_again_soon(stage: Stage) -> None:
    async def run() -> None:
        stage.documents.renewed(URL)
        assert not stage.documents.renewable(URL)
        await stage.documents.renew(URL)
        assert stage.asked == []
        stage.moment += RENEWAL
        assert stage.documents.renewable(URL)

    asyncio.run(run())


def test_nobody_waits_for_long() -> None:
    stage = Stage(wait=0.01)

    async def run() -> None:
        async with asyncio.timeout(5):
            await stage.documents.renew(URL)
        assert stage.asked == [URL]
        assert not stage.documents.renewable(URL), "what takes so long is not asked for again at once"
        stage.documents.renewed(URL)  # late

    asyncio.run(run())


def test_a_request_that_goes_away_does_not_take_the_others_along(stage: Stage) -> None:
    async def run() -> None:
        one, other = (asyncio.ensure_future(stage.documents.renew(URL)) for _ in range(2))  # noqa: TID251
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        assert not other.done()
        stage.documents.renewed(URL)
        await other

    asyncio.run(run())
