"""The plugins request-transformer and request-transformer-advanced: the steps of a transformation, in order."""

import logging
from typing import Generic, TypeVar
from urllib.parse import quote

from gateline.pdk import ErrorResponse, Exchange, Plugin
from gateline.pdk.templates import Environment, TemplateFault
from gateline.plugins.request_transformer.arguments import Arguments
from gateline.plugins.request_transformer.bodies import BodyRules, kind_of
from gateline.plugins.request_transformer.config import AdvancedConfig, Config
from gateline.plugins.request_transformer.fields import FieldRules
from gateline.plugins.request_transformer.headers import HeaderRules
from gateline.plugins.transformation.rules import template

__all__ = ["RequestTransformer", "RequestTransformerAdvanced"]

_log = logging.getLogger(__name__)

C = TypeVar("C", bound=Config)

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_BODILESS_METHODS = frozenset({"GET", "HEAD", "TRACE"})
"""With these, the fields of a form go into the query too, as in Kong."""


class _Transformer(Plugin[C], Generic[C]):
    def __init__(self, config: C) -> None:
        self._method = config.http_method
        self._form_to_query = config.http_method in _BODILESS_METHODS
        self._uri = template(config.replace.uri) if config.replace.uri else None
        self._headers = HeaderRules(config)
        self._body = BodyRules(config)
        lists = (config.rename, config.replace, config.add, config.append)
        self._query = FieldRules(remove=config.remove.querystring, others=[one.querystring for one in lists])
        self._fixed = self._headers.fixed if not (self._method or self._uri or self._body or self._query) else None
        self.needs_bodies = bool(self._body) or self._form_to_query
        self._keeps_headers = self._headers.any and "headers" in self._body.names | self._query.names

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the body is of a kind that some rule is about."""
        kind = kind_of(exchange.request.header("content-type"))
        return kind is not None or (bool(self._body) and self._headers.may_set_content_type)

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Change the request; refuse it where a template comes to nothing."""
        if self._fixed is not None:
            exchange.service_request.change_headers(self._fixed)
            return None
        try:
            self._transform(exchange)
        except TemplateFault as fault:
            _log.error("[%s] failed to render the template %s, error: %s", self.name, fault.template, fault)
            return ErrorResponse(500)
        return None

    def _transform(self, exchange: Exchange) -> None:
        env = Environment(exchange)
        if self._uri is not None:
            exchange.service_request.set_path(_path(self._uri.render(env)))
        if self._method is not None:
            exchange.service_request.set_method(self._method)
            if self._form_to_query:
                _form_to_query(exchange)
        if self._keeps_headers:
            env.keep_headers()
        if self._headers.any:
            self._headers.apply(exchange, self._headers.values(env))
        if self._body:
            self._change_body(exchange, env)
        if self._query:
            self._change_query(exchange, env)

    def _change_body(self, exchange: Exchange, env: Environment) -> None:
        content_type = exchange.request.header("content-type") or ""
        kind = kind_of(content_type)
        body = exchange.request.body
        if kind is None or body is None:
            return
        changed = self._body.changed(kind, content_type, body, env)
        if changed is not None:
            exchange.service_request.set_body(changed.body, changed.content_type)

    def _change_query(self, exchange: Exchange, env: Environment) -> None:
        arguments = Arguments(exchange.request.query)
        self._query.apply(arguments, self._query.rendered(env))
        if arguments.changed:
            exchange.service_request.set_query(arguments.in_order())


class RequestTransformer(_Transformer[Config], name="request-transformer"):
    """Changes a request on its way to the service."""


class RequestTransformerAdvanced(_Transformer[AdvancedConfig], name="request-transformer-advanced"):
    """Changes a request on its way to the service, with allow lists, types and paths for JSON bodies."""


def _path(rendered: str) -> str:
    if not rendered.startswith("/"):
        raise TemplateFault(f"replace.uri came to '{rendered}', which does not begin with a slash")
    return quote(rendered.encode("latin-1"), safe=_PATH_SAFE)


def _form_to_query(exchange: Exchange) -> None:
    request = exchange.request
    if kind_of(request.header("content-type")) != "form" or not request.body:
        return
    arguments = Arguments(request.query)
    arguments.join(Arguments(request.body.decode("latin-1")))
    exchange.service_request.set_query(arguments.in_order())
