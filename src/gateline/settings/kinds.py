"""The kinds of values that settings take: how each is read from text, and its plain form for JSON and other processes.

A kind's `parse` takes what a person wrote and raises `BadValue` with what was expected. `dump` gives a JSON value that
`load` turns back into the same value. Paths are kept as written: the loader resolves them, since what they are relative
to is the setting's affair.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.settings.errors import BadValue
from gateline.settings.listen import Listen, parse_listen, parse_listens

Json = Any
Parse = Callable[[str], Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is what the reference calls it; `expected` completes "expected ..." for people."""

    name: str
    parse: Parse
    dump: Callable[[Any], Json] = _same
    load: Callable[[Json], Any] = _same
    nothing: Any = None
    """The value of a setting that is not set and has no default."""


# ---- plain values

_BOOLEANS = {"on": True, "true": True, "off": False, "false": False}


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise BadValue("on or off") from None


def integer(minimum: int = 0, maximum: int = 2**31 - 1, **words: int) -> Kind:
    """A whole number within the bounds, or one of `words` (`auto=0`), which stands for its number."""
    expected = (
        f"a whole number from {minimum} to {maximum}" if maximum < 2**31 - 1 else f"a whole number, {minimum} or more"
    )
    expected = " or ".join([*words, expected])

    def parse(text: str) -> int:
        if text in words:
            return words[text]
        if re.fullmatch(r"-?[0-9]{1,18}", text) and minimum <= int(text) <= maximum:
            return int(text)
        raise BadValue(expected)

    return Kind("integer", parse)


def number(minimum: float, maximum: float) -> Kind:
    """A number within the bounds."""

    def parse(text: str) -> float:
        if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,15})?", text) and minimum <= float(text) <= maximum:
            return float(text)
        raise BadValue(f"a number from {minimum:g} to {maximum:g}")

    return Kind("number", parse)


_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def size(minimum: int = 0, maximum: int = 2**63 - 1) -> Kind:
    """Bytes, with k, m or g for their powers of 1024 (as nginx writes sizes)."""

    def parse(text: str) -> int:
        matched = re.fullmatch(r"([0-9]{1,18})([kKmMgG]?)", text)
        if not matched:
            raise BadValue("a size in bytes, or with k, m or g, such as 512, 8k, 10m")
        value = int(matched[1]) * _SIZES[matched[2].lower()]
        if not minimum <= value <= maximum:
            raise BadValue(
                f"a size from {minimum} to {maximum} bytes"
                if maximum < 2**63 - 1
                else f"a size of {minimum} bytes or more"
            )
        return value

    return Kind("size", parse)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


def duration(minimum: float = 0.0, maximum: float = 10 * 365 * 86400.0) -> Kind:
    """Seconds; also with a unit, as nginx writes times (`500ms`, `30s`, `1m`, `1h30m`, `1d`)."""

    def parse(text: str) -> float:
        if (
            not re.fullmatch(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|[smhd]) ?)*(?:[0-9]{1,12}(?:\.[0-9]{1,6})?)?", text)
            or not text
        ):
            raise BadValue("a time in seconds, or with a unit, such as 30, 500ms, 5m, 1h")
        parts = re.findall(r"([0-9.]+)(ms|[smhd]|)", text)
        value = round(sum(float(amount) * _UNITS[unit] for amount, unit in parts), 6)
        if not minimum <= value <= maximum:
            raise BadValue(
                f"a time of {minimum:g} s or more" if value < minimum else f"a time of {maximum:g} s or less"
            )
        return value

    return Kind("time", parse, lambda value: int(value) if value.is_integer() else value, float)


def choice(*options: str) -> Kind:
    """One of the words, in any case; kept in lower case."""

    def parse(text: str) -> str:
        if text.lower() not in options:
            raise BadValue("one of " + ", ".join(options))
        return text.lower()

    return Kind(" \\| ".join(options), parse)


def _text(text: str) -> str:
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,1024}", text):
        raise BadValue("visible ASCII characters without spaces, as it travels in a header")
    return text


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def choices(*options: str, off: bool = False, upper: bool = False) -> Kind:
    """A list of the words, separated by commas or spaces; `upper`: in any case, kept in upper case."""

    def parse(text: str) -> tuple[str, ...]:
        words = tuple((text.upper() if upper else text).replace(",", " ").split())
        if off and words == ("off",):
            return ()
        for word in words:
            if word not in options:
                raise BadValue(f"a list of {', '.join(options)} ({word!r} is none of them)")
        return words

    return Kind("list", parse, list, tuple, ())


# ---- values of the field

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")


def _header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise BadValue("the name of a header")
    return text.lower()


def networks(text: str) -> tuple[str, ...]:
    """IP addresses and CIDR blocks, each checked, kept as written; `unix:` stands for every unix socket."""
    entries = _split(text)
    for entry in entries:
        if entry == "unix:":
            continue
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            raise BadValue(f"a list of IP addresses and CIDR blocks ({entry!r} is none)") from None
    return entries


def _name_servers(text: str) -> tuple[str, ...]:
    entries = _split(text)
    for entry in entries:
        if not (_is_address(entry.strip("[]")) or _is_socket_address(entry)):
            raise BadValue(f"a list of name servers, <address> or <address>:<port> ({entry!r} is none)")
    return entries


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_socket_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return _is_address(host.strip("[]")) and re.fullmatch("[0-9]{1,5}", port) is not None and 0 < int(port) < 65536


RESPONSE_HEADER_GROUPS: dict[str, frozenset[str]] = {
    "server_tokens": frozenset({"server", "via"}),
    "latency_tokens": frozenset(
        {"x-kong-proxy-latency", "x-kong-response-latency", "x-kong-admin-latency", "x-kong-upstream-latency"}
    ),
}
RESPONSE_HEADERS: frozenset[str] = frozenset().union(*RESPONSE_HEADER_GROUPS.values()) | {
    "x-kong-request-id",
    "x-kong-upstream-status",
    "x-kong-total-latency",
    "x-kong-third-party-latency",
    "x-kong-client-latency",
}
REQUEST_HEADERS: frozenset[str] = frozenset({"x-kong-request-id"})


def _header_tokens(groups: dict[str, frozenset[str]], names: frozenset[str]) -> Kind:
    expected = f"off, or a list of {', '.join([*groups, *sorted(names)])}"

    def parse(text: str) -> frozenset[str]:
        tokens = [token.lower() for token in _split(text)]
        if tokens == ["off"]:
            return frozenset()
        chosen: set[str] = set()
        for token in tokens:
            if token not in groups and token not in names:
                raise BadValue(f"{expected} ({token!r} is none of them)")
            chosen |= groups.get(token, frozenset({token}))
        return frozenset(chosen)

    def dump(value: frozenset[str]) -> list[str]:
        whole = [group for group, members in groups.items() if members <= value]
        rest = value.difference(*(groups[group] for group in whole))
        return [*whole, *sorted(rest)]

    def load(value: list[str]) -> frozenset[str]:
        return parse(",".join(value) or "off")

    return Kind("list of header names", parse, dump, load, frozenset())


def _port_maps(text: str) -> dict[int, int]:
    ports: dict[int, int] = {}
    for entry in _split(text):
        outer, _, inner = entry.partition(":")
        if not all(port.isascii() and port.isdigit() and 0 < int(port) < 65536 for port in (outer, inner)):
            raise BadValue("a list of <outer port>:<listening port>, such as 80:8000, 443:8443")
        ports[int(inner)] = int(outer)
    return ports


def _dump_port_maps(value: dict[int, int]) -> list[str]:
    return [f"{outer}:{inner}" for inner, outer in value.items()]


def _log_file(text: str) -> Path | None:
    if text == "off":
        return None
    if text.startswith("syslog:"):
        raise BadValue("a path or off (syslog is not supported)")
    return Path(text)


def _path(text: str) -> Path:
    if "\0" in text:
        raise BadValue("a path")
    return Path(text)


def _paths(text: str) -> tuple[Path, ...]:
    return tuple([_path(entry) for entry in _split(text)])


def _dump_paths(value: tuple[Path, ...]) -> list[str]:
    return [str(path) for path in value]


def _load_paths(value: list[str]) -> tuple[Path, ...]:
    return tuple([Path(path) for path in value])


def _dump_path(value: Path | None) -> str:
    return "off" if value is None else str(value)


def _load_path(value: str) -> Path | None:
    return None if value == "off" else Path(value)


def _dump_listens(value: tuple[Listen, ...]) -> list[str]:
    return [str(listen) for listen in value] or ["off"]


def _load_listens(value: list[str]) -> tuple[Listen, ...]:
    return tuple(parse_listen(entry) for entry in value if entry != "off")


BOOLEAN = Kind("on \\| off", _boolean)
INTEGER = integer()
SIZE = size()
DURATION = duration()
TEXT = Kind("text", _text)
TOKEN = Kind("text", _token)
LIST = Kind("list", _split, list, tuple, ())
PATH = Kind("path", _path, str, Path)
PATHS = Kind("list of paths", _paths, _dump_paths, _load_paths, ())
LOG_FILE = Kind("path \\| off", _log_file, _dump_path, _load_path)
PEM = Kind("path or PEM", _text)
PEM_LIST = Kind("list of paths or PEM", _split, list, tuple, ())
LISTENS = Kind("list of addresses", parse_listens, _dump_listens, _load_listens, ())
NETWORKS = Kind("list of addresses and CIDR blocks", networks, list, tuple, ())
NAME_SERVERS = Kind("list of addresses", _name_servers, list, tuple, ())
HEADER_NAME = Kind("header name", _header_name)
HEADERS = _header_tokens(RESPONSE_HEADER_GROUPS, RESPONSE_HEADERS)
HEADERS_UPSTREAM = _header_tokens({}, REQUEST_HEADERS)
PORT_MAPS = Kind("list of port pairs", _port_maps, _dump_port_maps, lambda value: _port_maps(",".join(value)), {})
