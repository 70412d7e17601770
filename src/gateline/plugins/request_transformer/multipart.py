"""Multipart forms (RFC 7578), changed part by part: what no rule names stays byte by byte. Names are texts of bytes."""

import re
import secrets

__all__ = ["MultipartForm"]

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb'(;\s*name\s*=\s*)(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"content-disposition\s*:", re.IGNORECASE)


class MultipartForm:
    """The parts of a form. `changed` says whether they were."""

    __slots__ = ("_boundary", "_content_type", "_parts", "changed")

    def __init__(self, content_type: str, boundary: str, parts: list[tuple[str | None, bytes]]) -> None:
        self._content_type = content_type
        self._boundary = boundary
        self._parts = parts
        self.changed = False

    @classmethod
    def read(cls, content_type: str, body: bytes) -> "MultipartForm | None":
        """The form of a body; None where it is broken. An empty body is a form without parts."""
        match = _BOUNDARY.search(content_type)
        if match is None:
            return None
        boundary = match[1] or match[2]
        if not body:
            return cls(content_type, boundary, [])
        _, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
        if not pieces or not pieces[-1].startswith(b"--"):
            return None
        parts = []
        for piece in pieces[:-1]:
            white, crlf, part = piece.partition(b"\r\n")
            if white.strip(b" \t") or not crlf:
                return None
            parts.append((_name_of(part), part))
        return cls(content_type, boundary, parts)

    def has(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return any(found == name for found, _ in self._parts)

    def remove(self, name: str) -> None:
        """Take all of a name away."""
        self._keep([part for part in self._parts if part[0] != name])

    def keep(self, names: frozenset[str]) -> None:
        """Take away all but these."""
        self._keep([part for part in self._parts if part[0] in names])

    def _keep(self, kept: list[tuple[str | None, bytes]]) -> None:
        self.changed = self.changed or len(kept) < len(self._parts)
        self._parts = kept

    def rename(self, name: str, new: str) -> None:
        """Give all of a name another one; those that have it go."""
        if name == new or not self.has(name):
            return
        self.remove(new)
        self._parts = [(new, _renamed(part, new)) if found == name else (found, part) for found, part in self._parts]
        self.changed = True

    def replace(self, name: str, value: str) -> None:
        """One value in place of all that there are, if there are some."""
        if self.has(name):
            place = next(place for place, (found, _) in enumerate(self._parts) if found == name)
            kept = [part for part in self._parts if part[0] != name]
            self._parts = [*kept[:place], _part(name, value), *kept[place:]]
            self.changed = True

    def append(self, name: str, value: str) -> None:
        """A further part."""
        self._parts.append(_part(name, value))
        self.changed = True

    def written(self) -> tuple[bytes, str]:
        """The body and its Content-Type: with another boundary where that occurs in a value."""
        content_type, boundary = self._content_type, self._boundary.encode("latin-1", "replace")
        if any(boundary in part for _, part in self._parts):
            boundary = secrets.token_hex(16).encode()
            content_type = f"multipart/form-data; boundary={boundary.decode()}"
        lines = [b"--" + boundary + b"\r\n" + part + b"\r\n" for _, part in self._parts]
        return b"".join(lines) + b"--" + boundary + b"--\r\n", content_type


def _disposition(part: bytes) -> re.Match[bytes] | None:
    """Where the name stands in a part's Content-Disposition."""
    end = part.find(b"\r\n\r\n")
    place = 0
    while place < (len(part) if end < 0 else end):
        stop = part.find(b"\r\n", place)
        stop = len(part) if stop < 0 else stop
        if _DISPOSITION.match(part, place):
            return _NAME.search(part, place, stop)
        place = stop + 2
    return None


def _name_of(part: bytes) -> str | None:
    match = _disposition(part)
    if match is None:
        return None
    name = match[3] if match[2] is None else match[2].replace(b'\\"', b'"').replace(b"%22", b'"')
    return name.decode("latin-1")


def _renamed(part: bytes, new: str) -> bytes:
    match = _disposition(part)
    assert match is not None  # noqa: S101 - the part has a name
    return part[: match.end(1)] + _quoted(new) + part[match.end() :]


def _part(name: str, value: str) -> tuple[str, bytes]:
    head = b"Content-Disposition: form-data; name=" + _quoted(name)
    return name, head + b"\r\n\r\n" + value.encode("latin-1")


def _quoted(name: str) -> bytes:
    """A name between quotes, escaped as browsers do (WHATWG HTML, multipart/form-data)."""
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return b'"' + escaped.encode("latin-1") + b'"'
