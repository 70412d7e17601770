"""Request ids."""

import os
import re

from gateline.engine.request_id import next_request_id


def test_ids_are_32_hex_digits_and_never_the_same() -> None:
    ids = [next_request_id() for _ in range(5000)]
    assert len(set(ids)) == 5000
    assert all(re.fullmatch(rb"[0-9a-f]{32}", one) for one in ids)


def test_workers_forked_from_one_process_draw_different_ids() -> None:
    next_request_id()
    drawn = []
    for _ in range(2):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, next_request_id())
            os._exit(0)
        os.waitpid(child, 0)
        drawn.append(os.read(reading, 32))
        os.close(reading)
        os.close(writing)
    assert len({*drawn, next_request_id()}) == 3
