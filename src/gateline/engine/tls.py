"""TLS for clients: the server context of `ssl` listeners, from the settings."""

import ssl
import tempfile
from pathlib import Path

from gateline.settings import Settings

__all__ = ["server_context"]

_VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def server_context(settings: Settings) -> ssl.SSLContext:
    """The context of the proxy's `ssl` listeners: certificates, protocol versions and ciphers as set."""
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
    for certificate, key in zip(settings.ssl_cert, settings.ssl_cert_key, strict=True):
        _load(context, certificate, key)
    context.sni_callback = _remember_server_name
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


def _remember_server_name(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    connection.gateline_server_name = name  # type: ignore[attr-defined]  # read again by `Door.peer_of`
