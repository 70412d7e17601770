"""What is asked of Redis in one go: a script, known to the server by the hash of its text."""

from dataclasses import dataclass, field
from hashlib import sha1

__all__ = ["RedisError", "Script"]


class RedisError(Exception):
    """Redis did not answer, or not with what was asked for. The message says which Redis, and why."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script. Redis runs it as one step; all of its keys must be of one slot."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()  # Redis' name for it
        object.__setattr__(self, "sha", digest)
