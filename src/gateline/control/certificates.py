"""Certificates of the TLS listeners as files: those of the settings, given as paths or as PEM text, or a self-signed
one that is made at the first start and kept.

`cryptography` is only imported in a short-lived child, because the supervisor's memory becomes every worker's memory.
"""

import hashlib
import ipaddress
import os
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateline.control.errors import StartError
from gateline.control.state import write_atomically

if TYPE_CHECKING:
    from gateline.settings import Settings

LIFETIME = timedelta(days=3650)
"""How long a generated certificate is valid."""

GROUPS = (
    ("proxy_listen", "ssl_cert", "ssl_cert_key", "gateline-default"),
    ("admin_listen", "admin_ssl_cert", "admin_ssl_cert_key", "admin-gateline-default"),
    ("status_listen", "status_ssl_cert", "status_ssl_cert_key", "status-gateline-default"),
)
"""The setting with addresses, those with certificates and keys, and the name of the generated files."""


def as_files(settings: "Settings") -> "Settings":
    """The settings with every certificate of a TLS listener as paths of files that fit together. Raises StartError."""
    directory = settings.prefix / "ssl"
    changes: dict[str, Any] = {}
    problems: list[str] = []
    missing: list[str] = []
    for listens, certificates, keys, name in GROUPS:
        if not any(listen.ssl for listen in getattr(settings, listens)):
            continue
        given, given_keys = getattr(settings, certificates), getattr(settings, keys)
        if not given and not given_keys:
            pair = directory / f"{name}.crt", directory / f"{name}.key"
            if not all(path.exists() for path in pair):
                missing.append(name)
            changes[certificates], changes[keys] = ((str(path),) for path in pair)
            continue
        if len(given) != len(given_keys):
            problems.append(
                f"{certificates} and {keys} must name equally many files ({len(given)} and {len(given_keys)} are there)"
            )
            continue
        paths = [(_file(directory, one), _file(directory, key)) for one, key in zip(given, given_keys, strict=True)]
        problems += [text for pair in paths if (text := _mismatch(certificates, *pair))]
        changes[certificates] = tuple(one for one, _ in paths)
        changes[keys] = tuple(key for _, key in paths)
    if missing and not problems and not _in_child(lambda: _make_all(directory, missing)):
        problems.append(f"no certificate could be made in {directory}; is it writable?")
    if problems:
        raise StartError(*problems)
    return replace(settings, **changes) if changes else settings


def _make_all(directory: Path, names: list[str]) -> None:
    for name in names:
        make_self_signed(directory, name)


def make_self_signed(directory: Path, name: str) -> None:
    """Write `<name>.crt` and `<name>.key`: P-256, ten years, for localhost, its addresses and this host's name."""
    import socket

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    host = socket.gethostname()
    if host != "localhost" and host.isascii() and 0 < len(host) < 64:
        names.append(x509.DNSName(host))
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomically(directory / f"{name}.key", pem)
    write_atomically(directory / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _file(directory: Path, value: str) -> str:
    """The path of a certificate or key; PEM text is written to a file named by its digest."""
    if "-----BEGIN" not in value:
        return value
    content = value.encode()
    path = directory / f"given-{hashlib.sha256(content).hexdigest()[:24]}.pem"
    if not path.exists():
        write_atomically(path, content)
    return str(path)


def _mismatch(setting: str, certificate: str, key: str) -> str | None:
    """What is wrong with a pair, in one sentence."""
    for path in (certificate, key):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            return f"{setting}: cannot read {path}: {error.strerror}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return f"{setting}: {certificate} and {key} are no certificate with its key ({reason})"
    return None


def _in_child(work: Callable[[], None]) -> bool:
    """Run `work` in a process of its own; whether it went well."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    code = 1
    try:
        work()
        code = 0
    except OSError:
        code = 1
    finally:
        os._exit(code)
