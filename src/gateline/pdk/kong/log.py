"""`kong.log`: lines of the error log, and the record that log plugins write."""

import logging
from collections.abc import Mapping
from typing import Any

from gateline.pdk.kong.exceptions import PDKException
from gateline.pdk.kong.surface import ALL, Group, function

__all__ = ["NOTICE", "Log"]

NOTICE = 25
"""Python's number of the level `notice`."""
_IN_REQUEST = ("rewrite", "access", "response", "header_filter", "body_filter", "log")
_OWN = "kong.log.set_serialize_value"
_RECORD = {
    "client_ip": (),
    "latencies": ("kong", "proxy", "request"),
    "request": ("headers", "id", "method", "querystring", "size", "tls", "uri", "url"),
    "response": ("headers", "size", "status"),
    "route": (),
    "service": (),
    "source": (),
    "started_at": (),
    "tries": (),
    "upstream_status": (),
    "upstream_uri": (),
    "workspace": (),
}
"""What every record has: `add` leaves it alone, `replace` may change it."""


class Log(Group):
    """`kong.log`."""

    __slots__ = ()

    @function(ALL)
    def __call__(self, *args: Any) -> None:
        self._write(NOTICE, args)

    @function(ALL)
    def alert(self, *args: Any) -> None:
        self._write(logging.CRITICAL, args)

    @function(ALL)
    def crit(self, *args: Any) -> None:
        self._write(logging.CRITICAL, args)

    @function(ALL)
    def err(self, *args: Any) -> None:
        self._write(logging.ERROR, args)

    @function(ALL)
    def warn(self, *args: Any) -> None:
        self._write(logging.WARNING, args)

    @function(ALL)
    def notice(self, *args: Any) -> None:
        self._write(NOTICE, args)

    @function(ALL)
    def info(self, *args: Any) -> None:
        self._write(logging.INFO, args)

    @function(ALL)
    def debug(self, *args: Any) -> None:
        self._write(logging.DEBUG, args)

    @function(ALL)
    def deprecation(self, *args: Any) -> None:
        details = args[-1] if args and isinstance(args[-1], Mapping) else {}
        said = [f"deprecated after {details['after']}"] if "after" in details else []
        said += [f"scheduled for removal in {details['removal']}"] if "removal" in details else []
        words = args[:-1] if details else args
        self._write(logging.WARNING, (*words, f" ({', '.join(said)})") if said else words)

    @function(("log",))
    def serialize(self, options: Any = None) -> dict[str, Any]:  # noqa: ARG002 - Kong's signature
        record: dict[str, Any] = self._x.log_record()
        return record

    @function(_IN_REQUEST)
    def set_serialize_value(self, key: Any, value: Any = None, options: Any = None) -> None:
        if not isinstance(key, str):
            raise PDKException("key must be a string")
        mode = options.get("mode", "set") if isinstance(options, Mapping) else "set"
        if mode not in ("set", "add", "replace"):
            raise PDKException("mode must be 'set', 'add' or 'replace'")
        own = self._x.context.setdefault(_OWN, set())
        if mode != "set" and (key in own or _is_recorded(key)) == (mode == "add"):
            return
        (own.discard if value is None else own.add)(key)
        self._x.log_field(key, value)

    def _write(self, level: int, words: tuple[Any, ...]) -> None:
        log = self._plugin.logger
        if log.isEnabledFor(level):
            log.log(level, "[%s] %s", self._plugin.name, "".join(map(str, words)))


def _is_recorded(key: str) -> bool:
    first, _, rest = key.partition(".")
    return first in _RECORD and (not rest or rest.partition(".")[0] in _RECORD[first])
