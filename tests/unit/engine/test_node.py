"""What a plugin has of its worker ends with it."""

import asyncio

from harness.worker import ending, worker_node


def test_what_was_given_to_the_background_is_begun_before_it_is_ended() -> None:
    said: list[str] = []

    async def work() -> None:
        said.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            said.append("ended")

    async def main() -> None:
        node = worker_node()
        node.background(work())
        await ending([node])

    asyncio.run(main())
    assert said == ["begun", "ended"]


def test_what_is_begun_after_the_end_goes_on() -> None:
    said: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        said.append("done")

    async def main() -> None:
        node = worker_node()
        node.close()
        node.background(work())
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert said == ["done"]
