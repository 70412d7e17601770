"""TLS for clients: the server contexts of `ssl` listeners.

The certificate of the settings answers for every name that no certificate entity names. Which one a handshake gets is
decided by the server name that the client asks for: an exact SNI entity, then a wildcard. Contexts are made when the
configuration changes, one a certificate; a listener keeps its own and hands the handshake over.
"""

import logging
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateline.settings import Settings
from gateline.settings.pem import read_pem

if TYPE_CHECKING:
    from gateline.engine.chain import Step
    from gateline.entities import Certificate

__all__ = ["Handshake", "ServerCertificates", "trusted_authorities"]

_log = logging.getLogger(__name__)

_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_ANY_NAME = "*"
PLUGIN_CONTEXTS = 256
"""So many certificates of plugins are kept ready."""


class Handshake:
    """A handshake as plugins see it; see `gateline.pdk.Certificates`. `pair` are a certificate and key, PEM texts."""

    __slots__ = ("pair", "refused", "server_name")

    def __init__(self, server_name: str | None) -> None:
        self.server_name = server_name
        self.pair: tuple[str, str] | None = None
        self.refused = False

    def use(self, certificate: str, key: str) -> None:
        """Serve this connection with another certificate."""
        if "-----BEGIN" not in certificate or "-----BEGIN" not in key:
            raise ValueError("a certificate and its key are PEM texts")
        self.pair = certificate, key

    def refuse(self) -> None:
        """End the handshake."""
        self.refused = True


class ServerCertificates:
    """The certificates of a worker's listeners, by server name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_certificate: dict[str, tuple[Certificate, ssl.SSLContext]] = {}
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._of_plugins: OrderedDict[tuple[str, str], ssl.SSLContext] = OrderedDict()
        self.plugins: tuple[Step, ...] = ()
        """The plugins that have a say in handshakes."""

    def listener_context(self) -> ssl.SSLContext:
        """The context that a listener starts every handshake with: the settings' own certificate."""
        pairs = zip(self._settings.ssl_cert, self._settings.ssl_cert_key, strict=True)
        context = self._context(list(pairs))
        context.sni_callback = self._choose
        return context

    def adopt(self, certificates: Mapping[str, Any], snis: Mapping[str, Any]) -> None:
        """Use these entities from now on; a certificate that has not changed keeps its context."""
        contexts: dict[str, tuple[Certificate, ssl.SSLContext]] = {}
        names: dict[str, ssl.SSLContext] = {}
        for sni in snis.values():
            certificate = certificates.get(sni.certificate.id)
            if certificate is None:
                continue
            context = self._context_of(certificate, contexts)
            if context is not None:
                names[sni.name.lower()] = context
        self._by_certificate = contexts
        self._by_name = names

    def _context_of(
        self, certificate: "Certificate", contexts: "dict[str, tuple[Certificate, ssl.SSLContext]]"
    ) -> ssl.SSLContext | None:
        known = contexts.get(certificate.id) or self._by_certificate.get(certificate.id)
        if known is None or known[0] != certificate:
            pairs = [(certificate.cert, certificate.key)]
            if certificate.cert_alt and certificate.key_alt:
                pairs.append((certificate.cert_alt, certificate.key_alt))
            try:
                known = certificate, self._context(pairs)
            except (ssl.SSLError, OSError) as error:
                _log.error("the certificate %s cannot be used: %s", certificate.id, error)
                return None
        contexts[certificate.id] = known
        return known[1]

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        """Called in every handshake with the name that the client asks for; an alert ends it."""
        connection.gateline_server_name = name  # type: ignore[attr-defined]  # read again by `Door.peer_of`
        if name is not None and self._by_name:
            context = self._find(name.lower())
            if context is not None:
                connection.context = context
        return self._ask_plugins(connection, name) if self.plugins else None

    def _ask_plugins(self, connection: ssl.SSLObject, name: str | None) -> int | None:
        handshake = Handshake(name)
        for step in self.plugins:
            try:
                step.call(handshake)
                if handshake.pair is not None:
                    connection.context = self._of_plugin(handshake.pair)
            except Exception:
                _log.exception("plugin %s failed in certificate (server name %s)", step.name, name)
                return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
            if handshake.refused:
                return ssl.ALERT_DESCRIPTION_ACCESS_DENIED
        return None

    def _of_plugin(self, pair: tuple[str, str]) -> ssl.SSLContext:
        known = self._of_plugins.get(pair)
        if known is None:
            known = self._of_plugins[pair] = self._context([pair])
            if len(self._of_plugins) > PLUGIN_CONTEXTS:
                self._of_plugins.popitem(last=False)
        return known

    def _find(self, name: str) -> ssl.SSLContext | None:
        labels = name.split(".")
        candidates = (name, ".".join([_ANY_NAME, *labels[1:]]), ".".join([*labels[:-1], _ANY_NAME]), _ANY_NAME)
        return next((found for one in candidates if (found := self._by_name.get(one)) is not None), None)

    def _context(self, pairs: list[tuple[str, str]]) -> ssl.SSLContext:
        """A context with these certificates and keys; versions and ciphers as set."""
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        versions = [_VERSIONS[name] for name in settings.ssl_protocols if name in _VERSIONS]
        if versions:
            context.minimum_version = min(versions)
            context.maximum_version = max(versions)
        if settings.ssl_ciphers:
            context.set_ciphers(settings.ssl_ciphers)
        if settings.ssl_prefer_server_ciphers:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        if not settings.ssl_session_tickets:
            context.options |= ssl.OP_NO_TICKET
        context.set_alpn_protocols(["http/1.1"])
        for certificate, key in pairs:
            _load(context, certificate, key)
        return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a pair, each a path or PEM text (OpenSSL wants files: texts go through private temporary ones)."""
    with tempfile.TemporaryDirectory(prefix="gateline-") as folder:
        context.load_cert_chain(_as_file(certificate, Path(folder, "cert")), _as_file(key, Path(folder, "key")))


def _as_file(value: str, place: Path) -> str:
    if "-----BEGIN" not in value:
        return value
    place.touch(mode=0o600)
    place.write_text(value)
    return str(place)


def trusted_authorities(entries: tuple[str, ...]) -> tuple[str, ...]:
    """The PEM texts behind `lua_ssl_trusted_certificate`; empty where the system's authorities are all there are."""
    if not entries or entries == ("system",):
        return ()
    texts = [read_pem(entry).decode("ascii") for entry in entries if entry != "system"]
    if "system" in entries:
        paths = ssl.get_default_verify_paths()
        if paths.cafile is not None:
            texts.append(Path(paths.cafile).read_text("ascii", "replace"))
    return tuple(texts)
