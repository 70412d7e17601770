"""What the commands say: plain lines on standard output, one `Error:` on standard error, warnings there too."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO


class Failure(Exception):  # noqa: N818 - it is how a command ends, not an error of ours
    """Ends the command: `messages` go to standard error, `code` is the exit code."""

    def __init__(self, *messages: str, code: int = 1) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        self.code = code


def say(line: str = "") -> None:
    """A line for the person, or the script, that runs the command."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def warn(messages: Sequence[str]) -> None:
    """What does not stop the command."""
    for message in messages:
        sys.stderr.write(f"{_style('Warning:', '33', sys.stderr)} {message}\n")
    sys.stderr.flush()


def complain(messages: Sequence[str], stream: TextIO | None = None) -> None:
    """Why the command failed: one line where there is one reason, else a list."""
    stream = stream or sys.stderr
    head = _style("Error:", "31", stream)
    if len(messages) == 1:
        stream.write(f"{head} {messages[0]}\n")
    else:
        stream.write(f"{head} {len(messages)} problems\n")
        for message in messages:
            stream.write("  - " + message.replace("\n", "\n    ") + "\n")
    stream.flush()


def strong(text: str) -> str:
    """The text in bold on a terminal."""
    return _style(text, "1", sys.stdout)


def _style(text: str, code: str, stream: TextIO) -> str:
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{code}m{text}\x1b[0m" if coloured else text
