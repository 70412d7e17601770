r"""Request paths: their one normal form for matching, the text that regexes see, and the path built for the upstream.

Normal form (RFC 3986, 6.2.2, as Kong does it): percent-encoded unreserved characters are decoded, the hex digits of the
other triplets are upper-case, runs of slashes are one slash, dot segments are resolved and never climb above the root.
What has no place in a path unencoded (control characters, space, ``"<>\^`{|}``, bytes above 0x7e, a ``%`` without two
hex digits) is encoded, so that one resource has one spelling and the upstream is only ever sent valid paths. Route
paths are brought into the same form when they are compiled.
"""

import re
from collections.abc import Callable
from typing import final

from gateline.engine.router.interface import Match

__all__ = ["UpstreamPath", "decoded_path", "encode_path", "encoded_length", "normalize_path"]

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_RESERVED = (
    b"!*'();:@&=+$,/?%#[]"  # Kong's list: an encoded one means something else than a plain one and stays encoded
)

_TRIPLET_OR_BARE = re.compile(rb"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!*'();:@&=+$,/?#\[\]]")
_TRIPLET = re.compile(rb"%([0-9A-Fa-f]{2})")
_DOT_OR_EMPTY_SEGMENT = re.compile(rb"//|/\.\.?(?:/|\Z)")

# What a triplet (or a bare byte that must not be bare) becomes; the keys cover both cases of hex digits.
_REWRITES: dict[bytes, bytes] = {}
for _byte in range(256):
    _plain = bytes((_byte,))
    _escaped = b"%%%02X" % _byte
    for _spelling in {_escaped, _escaped.lower(), b"%%%X%x" % divmod(_byte, 16), b"%%%x%X" % divmod(_byte, 16)}:
        _REWRITES[_spelling] = _plain if _plain in _UNRESERVED else _escaped
    _REWRITES[_plain] = _escaped

# What a triplet of a normalised path reads as in a regex: Kong decodes everything that is not reserved.
_READINGS: dict[bytes, bytes] = {
    b"%%%02X" % byte: bytes((byte,)) for byte in range(0x20, 256) if byte != 0x7F and bytes((byte,)) not in _RESERVED
}


def _rewrite(found: re.Match[bytes]) -> bytes:
    return _REWRITES[found[0]]


def _read(found: re.Match[bytes]) -> bytes:
    return _READINGS.get(found[0], found[0])


def normalize_path(path: bytes) -> bytes:
    """The normal form of an absolute path (without query). Idempotent; never climbs above the root."""
    path = _TRIPLET_OR_BARE.sub(_rewrite, path)
    if _DOT_OR_EMPTY_SEGMENT.search(path) is None:
        return path
    segments: list[bytes] = []
    segment = b""
    for segment in path.split(b"/"):
        if segment == b"..":
            if segments:
                segments.pop()
        elif segment and segment != b".":
            segments.append(segment)
    if not segments:
        return b"/"
    directory = segment in (b"", b".", b"..")  # a last segment that is empty or a dot segment leaves a trailing slash
    return b"/" + b"/".join(segments) + (b"/" if directory else b"")


def encode_path(text: str) -> bytes:
    """A path (or the beginning of one) as a person wrote it, in the spelling of the normal form; segments stay."""
    return _TRIPLET_OR_BARE.sub(_rewrite, text.encode("utf-8", "surrogatepass"))


def decoded_path(path: bytes) -> bytes:
    """The normalised path as regexes and expressions see it: triplets decoded except those of reserved and control
    characters. A path that would not be UTF-8 then stays encoded, so that no byte can slip past a regex's `.`.
    """
    if b"%" not in path:
        return path
    text = _TRIPLET.sub(_read, path)
    try:
        text.decode()
    except UnicodeDecodeError:
        return path
    return text


def encoded_length(path: bytes, text: bytes, length: int) -> int:
    """How much of the normalised `path` the first `length` bytes of its `decoded_path` (`text`) take."""
    if text is path or len(text) == len(path):
        return length
    position = seen = 0
    while seen < length and position < len(path):
        if path[position] == 0x25 and path[position : position + 3] in _READINGS:
            position += 3
        else:
            position += 1
        seen += 1
    return position


def _without_leading_dots(rest: bytes) -> bytes:
    """What is left of a stripped path, where a match in the middle of a segment has left a dot segment at its start."""
    if rest in (b".", b".."):
        return b""
    if rest.startswith(b"./"):
        return rest[2:]
    if rest.startswith(b"../"):
        return rest[3:]
    return rest


@final
class UpstreamPath:
    """The path sent upstream for one route and its service, decided as far as the configuration allows.

    `build(match, path)` gives it for the normalised request path (without query). `identity` is true when that is
    always the request path itself. `path_handling` "v1" counts only where the caller says so (the `traditional`
    flavour).
    """

    __slots__ = ("_base", "build", "identity", "strips")

    build: Callable[[Match, bytes], bytes]

    def __init__(self, service_path: str | None, strip_path: bool, path_handling: str = "v0") -> None:
        base = encode_path(service_path or "/")
        self._base = base
        self.strips = strip_path
        self.identity = base == b"/" and not strip_path
        directory = base.endswith(b"/")
        if path_handling == "v1":
            self.build = self._stripped_v1 if strip_path else self._concatenated
        elif strip_path:
            self.build = (
                self._stripped_root if base == b"/" else self._stripped_directory if directory else self._stripped
            )
        elif base == b"/":
            self.build = self._unchanged
        else:
            self.build = self._concatenated if directory else self._appended

    def forwarded_prefix(self, match: Match) -> bytes | None:
        """The value of X-Forwarded-Prefix: what was stripped, None when that is nothing or only the root."""
        if not self.strips or match.prefix == b"/":
            return None
        return match.prefix or None

    @staticmethod
    def _rest(match: Match, path: bytes) -> bytes:
        prefix = match.prefix
        rest = path[1:] if prefix is None else path[len(prefix) :]
        return _without_leading_dots(rest) if rest.startswith(b".") else rest

    @staticmethod
    def _unchanged(match: Match, path: bytes) -> bytes:  # noqa: ARG004 (one signature for all)
        return path

    @staticmethod
    def _stripped_root(match: Match, path: bytes) -> bytes:
        prefix = match.prefix
        if prefix is None:
            return path
        rest = path[len(prefix) :]
        if rest.startswith(b"/"):
            return rest
        return b"/" + (_without_leading_dots(rest) if rest.startswith(b".") else rest)

    def _appended(self, match: Match, path: bytes) -> bytes:  # noqa: ARG002
        return self._base if path == b"/" else self._base + path

    def _concatenated(self, match: Match, path: bytes) -> bytes:  # noqa: ARG002
        return self._base + path[1:]

    def _stripped(self, match: Match, path: bytes) -> bytes:
        rest = self._rest(match, path)
        if not rest:
            return self._base + b"/" if len(path) > 1 and path.endswith(b"/") else self._base
        return self._base + rest if rest.startswith(b"/") else self._base + b"/" + rest

    def _stripped_directory(self, match: Match, path: bytes) -> bytes:
        rest = self._rest(match, path)
        if not rest:
            return self._base if path.endswith(b"/") else self._base[:-1]
        return self._base + (rest[1:] if rest.startswith(b"/") else rest)

    def _stripped_v1(self, match: Match, path: bytes) -> bytes:
        rest = self._rest(match, path)
        if rest.startswith(b"/") and self._base.endswith(b"/"):
            return self._base + rest[1:]
        return self._base + rest
