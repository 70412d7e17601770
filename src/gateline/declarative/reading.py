"""Where configurations come from: a text, an object that was already parsed, a file, a directory."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateline.declarative.document import (
    DEFAULT_LIMITS,
    Document,
    Limits,
    ParseError,
    canonical_json,
    check_depth,
    read,
)
from gateline.declarative.errors import DeclarativeError, Problem
from gateline.declarative.items import Source
from gateline.declarative.load import digest_of, snapshot_of
from gateline.declarative.references import may_refer, resolver_for, substitute
from gateline.entities import Snapshot
from gateline.entities.schema import DEFAULT_FLAVOR

_SUFFIXES = frozenset((".yml", ".yaml", ".json"))


def load_text(
    text: str | bytes,
    *,
    source: str,
    environ: Mapping[str, str] | None = None,
    router_flavor: str = DEFAULT_FLAVOR,
    now: float | None = None,
    previous: Snapshot | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Snapshot:
    """Load a YAML or JSON text. Raises `DeclarativeError`.

    `source` names the text in problems (a file's name, `POST /config`). With `environ`, variables and vault references
    are filled in from it; without, they are taken literally. `now` is the time (seconds) that new entities get;
    entities that say the same as in `previous` keep their timestamps.
    """
    with _collection_paused():
        return snapshot_of(
            _sources([(source, text)], environ, limits),
            digest=digest_of(text),
            router_flavor=router_flavor,
            now=now,
            previous=previous,
        )


def load_object(
    value: Any,
    *,
    source: str,
    router_flavor: str = DEFAULT_FLAVOR,
    now: float | None = None,
    previous: Snapshot | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Snapshot:
    """Load what a JSON body was parsed to. Raises `DeclarativeError`."""
    try:
        check_depth(value, limits)
        digest = digest_of(canonical_json(value))
    except ParseError as error:
        raise _unparsable(error, source) from None
    with _collection_paused():
        return snapshot_of(
            [_checked(Source(source, value, value))],
            digest=digest,
            router_flavor=router_flavor,
            now=now,
            previous=previous,
        )


def load_path(
    path: str | Path,
    *,
    environ: Mapping[str, str] | None = None,
    router_flavor: str = DEFAULT_FLAVOR,
    now: float | None = None,
    previous: Snapshot | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Snapshot:
    """Load a file, or every `*.yml`, `*.yaml` and `*.json` of a directory (by name) as one configuration.

    Raises `DeclarativeError`, also for a file that cannot be read.
    """
    files = files_of(Path(path))
    texts = [(str(file), _text(file, limits)) for file in files]
    digest = digest_of(texts[0][1] if len(texts) == 1 else b"\0".join(text for _, text in texts))
    with _collection_paused():
        return snapshot_of(
            _sources(texts, environ, limits),
            digest=digest,
            router_flavor=router_flavor,
            now=now,
            previous=previous,
        )


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Keep the cycle collector out of a load.

    A load makes objects by the hundred thousand and drops none, and each visit of the collector looks at all of them: a
    file of 10,000 routes takes three times as long with it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def files_of(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or those of the directory that it is. Raises `DeclarativeError`."""
    if not path.is_dir():
        return [path]
    try:
        files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))
    except OSError as error:
        raise _refused(str(path), error.strerror or str(error)) from None
    if not files:
        raise _refused(str(path), "the directory holds no *.yml, *.yaml or *.json")
    return files


def _text(file: Path, limits: Limits) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(limits.size + 1)
    except OSError as error:
        raise _refused(str(file), f"{file}: {error.strerror or error}") from None


def _sources(
    texts: Sequence[tuple[str, str | bytes]], environ: Mapping[str, str] | None, limits: Limits
) -> list[Source]:
    """Documents from (name, text), with what comes from the environment filled in."""
    documents = [(name, _document(text, name, limits)) for name, text in texts]
    if environ is None or not any(may_refer(document.text) for _, document in documents):
        return [_checked(Source(name, document.value, document.value, document)) for name, document in documents]
    resolver = resolver_for([document.value for _, document in documents], environ)
    return [
        _checked(Source(name, substitute(document.value, resolver), document.value, document))
        for name, document in documents
    ]


def _document(text: str | bytes, name: str, limits: Limits) -> Document:
    try:
        return read(text, limits)
    except ParseError as error:
        raise _unparsable(error, name) from None


def _checked(source: Source) -> Source:
    if not isinstance(source.value, dict):
        raise _refused(source.file, "expected an object", line=1 if source.document else None)
    return source


def _unparsable(error: ParseError, name: str) -> DeclarativeError:
    return _refused(name, str(error), line=error.line)


def _refused(name: str, reason: str, *, line: int | None = None) -> DeclarativeError:
    sentence = f"failed parsing declarative configuration: {reason}"
    return DeclarativeError({"error": sentence}, [Problem(name, line, "", "", sentence, "")])
