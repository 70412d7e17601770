"""Formats of single values (host, path, name, regex, ...): what is wrong with a value, in Kong's words, or None."""

import ipaddress
import re
from typing import Any

_HOST_CHARACTERS = re.compile(r"[A-Za-z0-9._-]+")
_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
_ASCII_NAME = re.compile(r"[A-Za-z0-9._~-]+")
_UTF8_NAME = re.compile(r"[A-Za-z0-9._~\u0080-\U0010ffff-]+")
_TAG = re.compile(r"[ !-+\-.0-~\u0080-\U0010ffff]+")
_URI_PATH = re.compile(r"/[A-Za-z0-9._~/%:@!$&'()*+,;=-]*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_SLASHES = re.compile(r"//+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_INVALID_PORT = "invalid port number"


def is_uuid(value: object) -> bool:
    """Whether the value is a text of the form of a UUID."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def host(value: str) -> str | None:
    """A host name or an IP address, without a port."""
    _, has_port, problem = _host_and_port(value)
    if has_port or problem == _INVALID_PORT:
        return "must not have a port"
    return f"invalid value: {value}" if problem else None


def route_host(value: str) -> str | None:
    """A host name or address, with an optional port, at most one wildcard as the leftmost or rightmost label."""
    stars = value.count("*")
    if stars > 1:
        return "invalid wildcard: must have at most one wildcard"
    concrete = value
    if stars:
        name = value.rpartition(":")[0] or value
        if not (name.startswith("*.") or name.endswith(".*")):
            return "invalid wildcard: must be placed at leftmost or rightmost label"
        concrete = value.replace("*", "wildcard")
    _, _, problem = _host_and_port(concrete)
    return problem and problem.replace(concrete, value)


def sni(value: str) -> str | None:
    """A host name without a port."""
    kind, has_port, problem = _host_and_port(value)
    if has_port or problem == _INVALID_PORT:
        return "must not have a port"
    if problem:
        return f"invalid value: {value}"
    return "must not be an IP" if kind != "name" else None


def wildcard_sni(value: str) -> str | None:
    """A host name without a port; one wildcard may stand at either end."""
    if "*" not in value:
        return sni(value)
    if value[0] != "*" and value[-1] != "*":
        return "wildcard must be leftmost or rightmost character"
    if value.count("*") > 1:
        return "only one wildcard must be specified"
    problem = sni(value.replace("*", "wildcard"))
    return f"invalid value: {value}" if problem and problem.startswith("invalid value") else problem


def upstream_name(value: str) -> str | None:
    """A host name: neither an address nor with a port."""
    kind, has_port, problem = _host_and_port(value)
    if problem and problem != _INVALID_PORT:
        return f"Invalid name ('{value}'); must be a valid hostname"
    if kind != "name":
        return f"Invalid name ('{value}'); no ip addresses allowed"
    return f"Invalid name ('{value}'); no port allowed" if has_port or problem else None


def host_with_optional_port(value: str) -> str | None:
    """A host name or an IP address, with or without a port."""
    return f"invalid value: {value}" if _host_and_port(value)[2] else None


def target(value: str) -> str | None:
    """A host name or an IP address, with or without a port."""
    return "Invalid target; not a valid hostname or ip address" if _host_and_port(value)[2] else None


def target_with_port(value: str) -> str:
    """A target in its normal form: with a port (8000 when it has none), an IPv6 address in brackets and in full."""
    kind, has_port, _ = _host_and_port(value)
    if kind != "ipv6":
        return value if has_port else f"{value}:8000"
    address, _, port = value.removeprefix("[").partition("]")
    return f"[{ipaddress.IPv6Address(address).exploded}]{port if has_port else ':8000'}"


def url(value: str) -> str | None:
    """A URL with scheme and host."""
    scheme, _, rest = value.partition("://")
    if "://" not in value or not rest:
        return "missing host in url"
    if not _SCHEME.fullmatch(scheme):
        return "missing scheme in url"
    if _NOT_IN_URL.search(value):
        return f"invalid value: {value}"
    authority = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if not authority:
        return "missing host in url"
    return f"invalid value: {value}" if _host_and_port(authority)[2] else None


def cookie_name(value: str) -> str | None:
    """Letters, digits, `_`, `.` and `-`."""
    if _COOKIE_NAME.fullmatch(value):
        return None
    return f"bad cookie name '{value}', allowed characters are A-Z, a-z, 0-9, '_', '.', and '-'"


def name(value: str) -> str | None:
    """Letters, digits, `.`, `-`, `_`, `~` and anything beyond ASCII."""
    if _UTF8_NAME.fullmatch(value):
        return None
    return f"invalid value '{value}': the only accepted ascii characters are alphanumerics or ., -, _, and ~"


def tag(value: str) -> str | None:
    """Printable ASCII but `,` and `/`, and anything beyond ASCII."""
    if _TAG.fullmatch(value):
        return None
    return f"invalid tag '{value}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"


def header_name(value: str) -> str | None:
    """Letters, digits, `_` and `-`."""
    if _HEADER_NAME.fullmatch(value):
        return None
    return f"bad header name '{value}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"


def ip_or_cidr(value: str) -> str | None:
    """An IPv4 or IPv6 address, or a range with a prefix length."""
    _, slash, prefix = value.partition("/")
    try:
        if slash and not (prefix.isascii() and prefix.isdigit()):
            raise ValueError(prefix)
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"invalid ip or cidr range: '{value}'"
    return f"invalid ip or cidr range: '{value}'" if "%" in value else None


def service_path(value: str) -> str | None:
    """The path of a URI (RFC 3986, section 3.3), rightly percent-encoded."""
    if not _URI_PATH.fullmatch(value):
        return f"invalid path: '{value}' (characters outside of the reserved list of RFC 3986 found)"
    return _percent_encoding(value)


def route_path(value: str) -> str | None:
    """A prefix in its normal form, or `~` and a regex that RE2 takes."""
    if "%" in value and (problem := _percent_encoding(value)):
        return problem
    if value[0] == "~":
        return regex(value[1:])
    if "%" in value or "/." in value or "//" in value:
        normal = normalized_path(value)
        if normal != value:
            return f"non-normalized path, consider use '{normal}' instead"
    return None


def normalized_path(path: str) -> str:
    """The normal form of a path (RFC 3986, section 6.2.2).

    Unreserved characters are decoded, other escapes written in upper case; no dot segments, no double slashes.
    """
    if "%" in path:
        path = _PERCENT.sub(_normal_escape, path)
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if "/." in path:
        kept: list[str] = []
        segments = path.split("/")[1:]
        for segment in segments:
            if segment == "..":
                if kept:
                    kept.pop()
            elif segment != ".":
                kept.append(segment)
        if segments[-1] in (".", ".."):
            kept.append("")
        path = "/" + "/".join(kept)
    return path


def _normal_escape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code in _UNRESERVED else match[0].upper()


def _percent_encoding(value: str) -> str | None:
    bad = _BAD_PERCENT.search(value)
    return f"invalid url-encoded value: '{bad[0]}'" if bad else None


def regex(pattern: str) -> str | None:
    """A regex as RE2 takes it: linear time, so neither look-around nor back references."""
    import re2  # loaded with the first regex: most processes that handle entities never see one

    try:
        re2.compile(pattern, options=_re2_options())
    except re2.error as error:
        return f"invalid regex: '{pattern}' (RE2 returned: {_regex_reason(pattern, error)})"
    return None


_RE2_OPTIONS: Any = None


def _re2_options() -> Any:
    global _RE2_OPTIONS
    if _RE2_OPTIONS is None:
        import re2

        _RE2_OPTIONS = re2.Options()
        _RE2_OPTIONS.log_errors = False
    return _RE2_OPTIONS


_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_ATOMIC = re.compile(r"\(\?>")
_POSSESSIVE = re.compile(r"[*+?}]\+")
_BACK_REFERENCE = re.compile(r"\\(?:[1-9]|k[<{'])|\(\?P=")


def _regex_reason(pattern: str, error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    if isinstance(reason, bytes):
        reason = reason.decode("utf-8", "replace")
    linear = "which a regex that runs in linear time cannot have"
    for feature, what in (
        (_LOOK_AROUND, "look-around"),
        (_BACK_REFERENCE, "a back reference"),
        (_ATOMIC, "an atomic group"),
        (_POSSESSIVE, "a possessive quantifier"),
    ):
        if feature.search(pattern):
            return f"{reason}; it uses {what}, {linear}"
    return str(reason)


def _host_and_port(value: str) -> tuple[str, bool, str | None]:
    """("name" | "ipv4" | "ipv6", whether a port is there, what is wrong)."""
    if value.count(":") > 1:
        return _ipv6_and_port(value)
    address, colon, port = value.partition(":")
    if _DIGITS_AND_DOTS.fullmatch(address):
        parts = address.split(".")
        right = len(parts) == 4 and all(part and len(part) <= 3 and int(part) <= 255 for part in parts)
        if not right or (colon and not port.isdigit()):
            return "ipv4", False, f"invalid ipv4 address: {value}"
        return "ipv4", bool(colon), _port_problem(port) if colon else None
    labels = address.removesuffix(".").split(".")
    if (
        not _HOST_CHARACTERS.fullmatch(address)
        or any(not label or label[-1] == "-" for label in labels)
        or (colon and not (port.isascii() and port.isdigit()))
    ):
        return "name", False, f"invalid hostname: {value}"
    return "name", bool(colon), _port_problem(port) if colon else None


def _ipv6_and_port(value: str) -> tuple[str, bool, str | None]:
    address, port, has_port = value, "", False
    if value.startswith("["):
        address, bracket, rest = value[1:].partition("]")
        has_port = rest.startswith(":")
        port = rest[1:]
        if not bracket or (rest and not (has_port and port.isascii() and port.isdigit())):
            return "ipv6", False, f"invalid ipv6 address: {value}"
    try:
        if "%" in address:
            raise ValueError(address)
        ipaddress.IPv6Address(address)
    except ValueError:
        return "ipv6", False, f"invalid ipv6 address: {value}"
    return "ipv6", has_port, _port_problem(port) if has_port else None


def _port_problem(port: str) -> str | None:
    return None if len(port) <= 5 and int(port) <= 65535 else _INVALID_PORT
