"""The error log of every process: where it goes, how severe a message must be, and the form of its lines.

Levels have Kong's (nginx's) names; `notice` lies between info and warning, `crit`, `alert` and `emerg` are one above
error. A log file is opened again by itself when it was moved away, so rotation needs nothing but the move.
"""

import json
import logging
import logging.handlers
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.settings import Settings

NOTICE = 25
"""Level of what an operator wants to see of a healthy node."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "crit": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emerg": logging.CRITICAL,
}
"""Python's level for each value of the setting `log_level`."""

NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    NOTICE: "notice",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "crit",
}


def configure(settings: "Settings", process: str, *, foreground: bool) -> None:
    """Log from now on as the settings say, as `process` ("worker 0"). Raises OSError when the file cannot be opened.

    In the foreground, standard error is the place unless the settings name a file other than the usual one.
    """
    target = settings.proxy_error_log
    handler: logging.Handler
    if foreground and target == settings.prefix / "logs" / "error.log":
        handler = logging.StreamHandler(sys.stderr)
    elif target is None:
        handler = logging.NullHandler()
    elif str(target) == "/dev/stderr":
        handler = logging.StreamHandler(sys.stderr)
    elif str(target) == "/dev/stdout":
        handler = logging.StreamHandler(sys.stdout)
    else:
        handler = logging.handlers.WatchedFileHandler(target, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(JsonLines(process) if settings.log_format == "json" else TextLines(process))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(LEVELS[settings.log_level])
    logging.captureWarnings(True)
    # Libraries tell at info what an operator knows already; what they warn of is still seen.
    for library in ("aiosqlite", "alembic", "asyncio", "sqlalchemy", "uvicorn"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))


class TextLines(logging.Formatter):
    """`2026-01-31 12:00:00.123 [notice] worker 0 (4711): message`; a message of several lines is one record still."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        level = NAMES.get(record.levelno, record.levelname.lower())
        text = f"{stamp}.{int(record.msecs):03d} [{level}] {self._process} ({os.getpid()}): {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text.replace("\n", "\n    ")


class JsonLines(logging.Formatter):
    """One JSON object a line: time (seconds), level, process, pid, logger, message, and the exception, if any."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": NAMES.get(record.levelno, record.levelname.lower()),
            "process": self._process,
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
