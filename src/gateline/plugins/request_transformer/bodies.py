"""The body rules of request-transformer."""

from typing import Any, Literal, NamedTuple

from gateline.pdk.templates import Environment, from_bytes_text, to_bytes_text
from gateline.plugins.request_transformer.arguments import Arguments
from gateline.plugins.request_transformer.config import AdvancedConfig, Config
from gateline.plugins.request_transformer.fields import FieldRules, Rendered
from gateline.plugins.request_transformer.multipart import MultipartForm
from gateline.plugins.transformation.json_documents import Document
from gateline.plugins.transformation.json_paths import parsed
from gateline.plugins.transformation.json_values import cast, is_json, type_at

__all__ = ["BodyRules", "NewBody", "kind_of"]

Kind = Literal["json", "form", "multipart"]


class NewBody(NamedTuple):
    """A body that was changed, and its Content-Type where that is another one."""

    body: bytes
    content_type: str | None = None


def kind_of(content_type: str | None) -> Kind | None:
    """Which kind of body a Content-Type tells, None for one that is not transformed."""
    if content_type is None:
        return None
    lower = content_type.lower()
    if "application/x-www-form-urlencoded" in lower:
        return "form"
    if "multipart/form-data" in lower:
        return "multipart"
    return "json" if is_json(lower) else None


class BodyRules:
    """Rules for bodies."""

    def __init__(self, config: Config) -> None:
        lists = (config.rename.body, config.replace.body, config.add.body, config.append.body)
        self._rules = FieldRules(remove=config.remove.body, others=lists)
        self.names = self._rules.names
        """The environment's names that their templates read."""
        self._allowed: tuple[str, ...] | None = None
        self._dots_in_keys = True
        self._types: tuple[tuple[str, ...], ...] = ((), (), ())
        if isinstance(config, AdvancedConfig):
            self._allowed = config.allow.body
            self._dots_in_keys = config.dots_in_keys
            self._types = (config.replace.json_types, config.add.json_types, config.append.json_types)
        self._removed = tuple(map(self._path, self._rules.remove))

    def __bool__(self) -> bool:
        return bool(self._rules) or self._allowed is not None

    def changed(self, kind: Kind, content_type: str, body: bytes, env: Environment) -> NewBody | None:
        """The body after the rules; None where it stays as it is. Raises TemplateFault."""
        if kind == "json":
            return self._json(body, env)
        return self._form(body, env) if kind == "form" else self._multipart(content_type, body, env)

    def _form(self, body: bytes, env: Environment) -> NewBody | None:
        arguments = Arguments(body.decode("latin-1"))
        self._rules.apply(arguments, self._rules.rendered(env))
        if self._allowed is not None:
            arguments.keep(frozenset(map(to_bytes_text, self._allowed)))
        return NewBody(arguments.written().encode("latin-1")) if arguments.changed else None

    def _multipart(self, content_type: str, body: bytes, env: Environment) -> NewBody | None:
        form = MultipartForm.read(content_type, body)
        if form is None:
            return None
        self._rules.apply(form, self._rules.rendered(env))
        if self._allowed is not None:
            form.keep(frozenset(map(to_bytes_text, self._allowed)))
        if not form.changed:
            return None
        made, made_type = form.written()
        return NewBody(made, None if made_type == content_type else made_type)

    def _json(self, body: bytes, env: Environment) -> NewBody | None:
        document = Document.read(body or b"{}", dots_in_keys=self._dots_in_keys)
        if document is None:
            return None
        self._apply(document, self._rules.rendered(env))
        if self._allowed is not None:
            document.keep(frozenset(self._allowed))
        return NewBody(document.write()) if document.changed else None

    def _apply(self, document: Document, rendered: Rendered) -> None:
        for path in self._removed:
            document.remove(path)
        for name, new in rendered[0]:
            document.rename(self._path(name), self._path(_text(new)))
        changes = (document.replace, document.add, document.append)
        for change, values, pairs, types in zip(changes, rendered[1:], self._rules.lists[1:], self._types, strict=True):
            for place, (name, value) in zip(pairs.places, values, strict=True):
                change(self._path(name), cast(_text(value), type_at(types, place)))

    def _path(self, name: str) -> Any:
        return parsed(name, dots_in_keys=self._dots_in_keys)


def _text(value: str) -> str:
    """The text that a value's bytes stand for; bytes that are no UTF-8 are replaced."""
    return from_bytes_text(value).encode("utf-8", "replace").decode()
