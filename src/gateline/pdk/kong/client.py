"""`kong.client`: who sends the request."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateline.entities.formats import is_uuid
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.pdk.kong.exceptions import Failure, PDKException
from gateline.pdk.kong.surface import Group, function

__all__ = ["Client"]

_CONNECTED = ("certificate", "rewrite", "access", "response", "header_filter", "body_filter", "log")
_ROUTED = ("access", "response", "header_filter", "body_filter", "log")
_HANDSHAKE = "the client's address is not known in the certificate phase"


class Tls(Group):
    """`kong.client.tls`."""

    __slots__ = ()

    @function(("certificate",), fails=True)
    def request_client_certificate(self, ca_certs: Any = None) -> bool:  # noqa: ARG002 - Kong's signature
        raise Failure("listeners do not ask clients for certificates")

    @function(("certificate",), fails=True)
    def disable_session_reuse(self) -> bool:
        raise Failure("session reuse is a setting (ssl_session_tickets), not one of a connection")

    @function(("rewrite", "access", "response", "balancer", "header_filter", "body_filter", "log"), fails=True)
    def get_full_client_certificate_chain(self) -> str | None:
        if not self._x.client.tls:
            raise Failure("only TLS connections are supported")
        return None

    @function(("rewrite", "access", "balancer"))
    def set_client_verify(self, result: Any) -> None:
        if result not in ("SUCCESS", "NONE") and not (isinstance(result, str) and result.startswith("FAILED:")):
            raise PDKException(f"unknown client verify value: {result} only accept: SUCCESS, NONE, FAILED:<reason>")
        self._x.log_field("request.tls.client_verify", result)


class Client(Group):
    """`kong.client`."""

    __slots__ = ()

    groups = {"tls": Tls}  # noqa: RUF012 - a constant of the base's kind

    @function(_CONNECTED, fails=True)
    def get_ip(self) -> str:
        return str(self._connection().ip)

    @function(_CONNECTED, fails=True)
    def get_forwarded_ip(self) -> str:
        return str(self._connection().forwarded_ip)

    @function(_CONNECTED, fails=True)
    def get_port(self) -> int:
        return int(self._connection().port)

    @function(_CONNECTED, fails=True)
    def get_forwarded_port(self) -> int:
        return int(self._connection().forwarded_port)

    @function(_ROUTED)
    def get_credential(self) -> dict[str, Any] | None:
        credential: Credential | None = self._x.credential
        if credential is None:
            return None
        table = {"id": credential.id, **credential.fields}
        if credential.consumer_id:
            table.update(consumer_id=credential.consumer_id, consumer={"id": credential.consumer_id})
        return table

    @function(_ROUTED)
    def get_consumer(self) -> dict[str, Any] | None:
        return _table(self._x.consumer)

    @function(_ROUTED, fails=True)
    def load_consumer(self, consumer_id: Any, search_by_username: Any = None) -> dict[str, Any] | None:
        if not isinstance(consumer_id, str):
            raise PDKException("consumer_id must be a string")
        if not is_uuid(consumer_id) and not search_by_username:
            raise PDKException("cannot load a consumer with an id that is not a uuid")
        return _table(self._plugin.on_loop(self._find, consumer_id, bool(search_by_username)))

    @function(("access",))
    def authenticate(self, consumer: Any = None, credential: Any = None) -> None:
        for what, value in (("consumer", consumer), ("credential", credential)):
            if value is not None and not isinstance(value, Mapping):
                raise PDKException(f"{what} must be a table or nil")
        if consumer is None and credential is None:
            raise PDKException("either credential or consumer must be provided")
        self._plugin.on_loop(self._authenticate, consumer, credential)

    @function(_ROUTED)
    def get_protocol(self, allow_terminated: Any = None) -> str | None:
        route = self._x.route
        if route is None:
            return None
        protocols = route.entity.protocols
        if len(protocols) == 1:
            return str(protocols[0])
        tls = self._x.client.tls or (allow_terminated and self._x.request.forwarded_scheme == "https")
        return "https" if tls else "http"

    @function(_ROUTED)
    def get_consumer_groups(self) -> list[dict[str, str]]:
        consumer: Consumer | None = self._x.consumer
        return [] if consumer is None else _groups(consumer)

    @function(_ROUTED)
    def get_consumer_group(self) -> dict[str, str] | None:
        consumer: Consumer | None = self._x.consumer
        return None if consumer is None else next(iter(_groups(consumer)), None)

    @function(("access",), fails=True)
    def set_authenticated_consumer_group(self, group: Any) -> None:
        self._set_groups([group])

    @function(("access",), fails=True)
    def set_authenticated_consumer_groups(self, groups: Any) -> None:
        if not isinstance(groups, list | tuple):
            raise PDKException("groups must be a table")
        self._set_groups(list(groups))

    @function(("access",), fails=True)
    def authenticate_consumer_group_by_consumer_id(self, consumer_id: Any) -> None:
        if not isinstance(consumer_id, str):
            raise PDKException("consumer_id must be a string")
        consumer = self._plugin.on_loop(self._find, consumer_id, False)
        if consumer is not None and consumer.groups:
            self._set_groups(_groups(consumer))

    def _connection(self) -> Any:
        if self.phase == "certificate":
            raise Failure(_HANDSHAKE)
        return self._x.client

    def _find(self, key: str, by_name: bool) -> Consumer | None:
        credentials = self._plugin.node.credentials
        found: Consumer | None = credentials.consumer(key) if is_uuid(key) else None
        if found is None and by_name:
            named: Consumer | None = credentials.consumer_named(key)
            found = named if named is not None and named.username == key else None
        return found

    def _authenticate(self, consumer: Mapping[str, Any] | None, credential: Mapping[str, Any] | None) -> None:
        self._x.authenticate(
            Identity(
                consumer=None if consumer is None else self._consumer(consumer),
                credential=None if credential is None else _credential(credential),
            )
        )

    def _consumer(self, table: Mapping[str, Any]) -> Consumer:
        key = str(table.get("id") or "")
        found: Consumer | None = self._plugin.node.credentials.consumer(key) if key else None
        if found is not None:
            return found
        return Consumer(key, table.get("username"), table.get("custom_id"), tuple(table.get("tags") or ()))

    def _set_groups(self, groups: list[Any]) -> None:
        identity: Identity | None = self._x.identity
        if identity is None or identity.consumer is None:
            raise Failure("there is no authenticated consumer")
        if not all(isinstance(group, Mapping) for group in groups):
            raise PDKException("a group must be a table with id and name")
        names = tuple([str(group.get("name") or "") for group in groups])
        ids = tuple([str(group.get("id") or "") for group in groups])
        consumer = replace(identity.consumer, groups=names, group_ids=ids)
        self._plugin.on_loop(self._x.authenticate, replace(identity, consumer=consumer))


def _table(consumer: Consumer | None) -> dict[str, Any] | None:
    if consumer is None:
        return None
    return {
        "id": consumer.id,
        "username": consumer.username,
        "custom_id": consumer.custom_id,
        "tags": list(consumer.tags),
    }


def _groups(consumer: Consumer) -> list[dict[str, str]]:
    return [{"id": key, "name": name} for key, name in zip(consumer.group_ids, consumer.groups, strict=False)]


def _credential(table: Mapping[str, Any]) -> Credential:
    consumer = table.get("consumer")
    owner = table.get("consumer_id") or (consumer.get("id") if isinstance(consumer, Mapping) else None)
    identifier = table.get("username") or table.get("custom_id") or table.get("id")
    return Credential(
        id=str(table.get("id") or ""),
        identifier=None if identifier is None else str(identifier),
        consumer_id=None if owner is None else str(owner),
        fields=dict(table),
    )
