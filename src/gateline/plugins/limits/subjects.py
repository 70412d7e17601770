"""Who is counted: a consumer, a credential, an address, or what the request says.

Where that is absent the client's address stands for it. A name says what it names, so that a header that looks like an
address is not counted as one.
"""

from collections.abc import Callable

from gateline.pdk import Exchange

__all__ = ["Subject", "subject_of"]

Subject = Callable[[Exchange], str]
"""Gives the name under which a request is counted."""


def subject_of(limit_by: str, *, header: str | None = None, path: str | None = None) -> Subject:
    """The subject that a configuration asks for."""
    if limit_by == "header":
        return _by_header(header or "")
    if limit_by == "path":
        return _by_path(path or "")
    return _SUBJECTS[limit_by]


def _address(exchange: Exchange) -> str:
    return "a:" + exchange.client_address


def _consumer(exchange: Exchange) -> str:
    identity = exchange.identity
    if identity is None:
        return "a:" + exchange.client_address
    if identity.consumer is not None:
        return "u:" + identity.consumer.id
    if identity.credential is not None:
        return "c:" + identity.credential.id
    return "a:" + exchange.client_address


def _credential(exchange: Exchange) -> str:
    identity = exchange.identity
    if identity is None or identity.credential is None:
        return "a:" + exchange.client_address
    return "c:" + identity.credential.id


def _service(exchange: Exchange) -> str:
    service = exchange.service
    return "a:" + exchange.client_address if service is None else "s:" + service.id


def _by_header(name: str) -> Subject:
    def subject(exchange: Exchange) -> str:
        value = exchange.request.header(name)
        return "a:" + exchange.client_address if value is None else "h:" + value

    return subject


def _by_path(path: str) -> Subject:
    def subject(exchange: Exchange) -> str:
        return "p:" + path if exchange.request.path == path else "a:" + exchange.client_address

    return subject


_SUBJECTS: dict[str, Subject] = {
    "consumer": _consumer,
    "credential": _credential,
    "ip": _address,
    "service": _service,
}
