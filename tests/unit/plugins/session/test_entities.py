"""Sessions come and go in operation: they are no part of a configuration."""

from gateline.declarative import difference, dump, load_object
from gateline.entities import Snapshot
from gateline.plugins.session.entities import StoredSession


def test_sessions_are_not_dumped_and_applying_a_file_ends_none() -> None:
    session = StoredSession.parse({"session_id": "x", "ttl": 60})
    running = Snapshot(hash="0" * 32, sessions={session.id: session})
    assert "session" not in dump(running)
    empty = load_object({"_format_version": "3.0"}, source="x", now=100)
    assert not difference(running, empty)
    assert difference(empty, running).created == (session,)
