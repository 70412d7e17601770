"""The header rules of request-transformer."""

from typing import NamedTuple

from gateline.pdk import Exchange, HeaderChanges
from gateline.pdk.templates import Environment, TemplateFault
from gateline.plugins.request_transformer.config import Config
from gateline.plugins.transformation.entries import is_header_name, safe_header_value, split
from gateline.plugins.transformation.rules import Pairs

__all__ = ["HeaderRules", "Values"]

_HOST = "host"
_CONTENT_TYPE = "content-type"


class Values(NamedTuple):
    """What the rules' templates came to for a request: (name, new name or value) each."""

    rename: tuple[tuple[str, str], ...]
    replace: tuple[tuple[str, str], ...]
    add: tuple[tuple[str, str], ...]
    append: tuple[tuple[str, str], ...]


class HeaderRules:
    """Rules for headers. Only `replace` changes the Host; the others leave it alone."""

    def __init__(self, config: Config) -> None:
        self._remove = tuple(
            name for entry in config.remove.headers if (name := split(entry)[0]) and name.lower() != _HOST
        )
        self._rename = Pairs(config.rename.headers, skip=(_HOST,))
        self._replace = Pairs(config.replace.headers)
        self._add = Pairs(config.add.headers, skip=(_HOST,))
        self._append = Pairs(config.append.headers, skip=(_HOST,))
        lists = (self._rename, self._replace, self._add, self._append)
        self.names = frozenset[str]().union(*(pairs.names for pairs in lists))
        """The environment's names that their templates read."""
        self.any = bool(self._remove or any(lists))
        self._values = self._render(None) if all(pairs.fixed for pairs in lists) else None
        self.fixed = None if self._values is None else self._changes(self._values)
        """All of it, where that is the same for every request."""
        entries = (*config.replace.headers, *config.add.headers, *config.append.headers)
        names = [split(entry)[0] for entry in entries] + [split(entry)[1] for entry in config.rename.headers]
        self.may_set_content_type = any(name.lower() == _CONTENT_TYPE or "$(" in name for name in names)

    def values(self, env: Environment) -> Values:
        """What the templates come to. Raises TemplateFault."""
        return self._values or self._render(env)

    def _render(self, env: Environment | None) -> Values:
        return Values(
            tuple((old, _name(new)) for old, new in self._rename.rendered(env) if new.lower() != _HOST),
            tuple((name, safe_header_value(value)) for name, value in self._replace.rendered(env)),
            tuple((name, safe_header_value(value)) for name, value in self._add.rendered(env)),
            tuple((name, safe_header_value(value)) for name, value in self._append.rendered(env)),
        )

    def _changes(self, values: Values) -> HeaderChanges | None:
        """The same as `apply`; None where it depends on the request, or is about the Host."""
        if values.rename or any(name.lower() == _HOST for name, _ in values.replace):
            return None
        changes = HeaderChanges()
        for name in self._remove:
            changes.remove_header(name)
        for name, value in values.replace:
            changes.replace_header(name, value)
        for name, value in values.add:
            changes.set_default_header(name, value)
        for name, value in values.append:
            changes.add_header(name, value)
        return changes

    def apply(self, exchange: Exchange, values: Values) -> None:
        """Change the headers that the service will see."""
        request, sent = exchange.request, exchange.service_request
        for name in self._remove:
            sent.remove_header(name)
        for old, new in values.rename:
            lines = request.header_values(old)
            if lines:
                sent.remove_header(old)
                sent.remove_header(new)
                for value in lines:
                    sent.add_header(new, value)
        for name, value in values.replace:
            if name.lower() == _HOST:
                sent.set_header(name, value)
            else:
                sent.replace_header(name, value)
        if values.add:
            sent.set_default_headers(values.add)
        for name, value in values.append:
            sent.add_header(name, value)


def _name(rendered: str) -> str:
    if is_header_name(rendered):
        return rendered
    raise TemplateFault(f"'{rendered}' is not a valid header")
