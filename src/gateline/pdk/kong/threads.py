"""Threads for plugins that block: a worker's loop goes on while one of them waits for its database.

Threads are made as they are needed and end with the process, whatever they are waiting for: a plugin that hangs must
not keep a worker from ending.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["MOST", "Threads", "on_loop"]

T = TypeVar("T")
MOST = 64
"""Threads of a worker; further calls wait for one of them."""

_loop = threading.local()


class Threads:
    """The threads of one worker; made when a plugin asks for them first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._queue: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]]] = (
            SimpleQueue()
        )
        self._idle = threading.Semaphore(0)
        self._count = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Call a function in a thread; what it returns or raises. Cancelled, the thread goes on and nobody hears."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._idle.acquire(blocking=False) and self._count < self._most:
            self._count += 1
            threading.Thread(target=self._work, name=f"plugin thread {self._count}", daemon=True).start()
        self._queue.put((loop, future, call))
        return await future

    def _work(self) -> None:
        while True:
            loop, future, call = self._queue.get()
            _loop.running = loop
            try:
                result, error = call(), None
            except BaseException as raised:
                result, error = None, raised
            try:
                loop.call_soon_threadsafe(_tell, future, result, error)
            except RuntimeError:  # the loop has ended, and with it whoever waited
                return
            finally:
                del future, call, result, error
            self._idle.release()


def _tell(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def on_loop(call: Callable[..., T], *arguments: Any) -> T:
    """Call a function on the loop that this thread works for, and wait for its result; at once in any other thread."""
    loop = getattr(_loop, "running", None)
    if loop is None:
        return call(*arguments)
    done = threading.Event()
    outcome: list[Any] = [None, None]

    def run() -> None:
        try:
            outcome[0] = call(*arguments)
        except Exception as error:
            outcome[1] = error
        done.set()

    loop.call_soon_threadsafe(run)
    done.wait()
    if outcome[1] is not None:
        raise outcome[1]
    result: T = outcome[0]
    return result
