"""Certificates of TLS listeners: made when there are none, taken from the settings, and checked."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from gateline.control.certificates import as_files, make_self_signed
from gateline.control.errors import StartError
from gateline.settings import Settings, load_settings

# The tests' own process may have threads, which a supervisor has not.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def settings(prefix: Path, **given: str) -> Settings:
    (prefix / "ssl").mkdir(exist_ok=True)
    listens = {"proxy_listen": "127.0.0.1:0 ssl", "admin_listen": "127.0.0.1:0", "status_listen": "off"}
    return load_settings(environ={}, overrides={"prefix": str(prefix)} | listens | given, search=()).settings


def test_a_listener_without_certificate_gets_one_that_clients_can_trust(tmp_path: Path) -> None:
    made = as_files(settings(tmp_path))
    (certificate,), (key,) = made.ssl_cert, made.ssl_cert_key
    assert made.admin_ssl_cert == ()
    loaded = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert (loaded.not_valid_after_utc - loaded.not_valid_before_utc).days >= 3650
    for path in (certificate, key):
        assert Path(path).stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    assert as_files(settings(tmp_path)) == made
    assert Path(certificate).read_bytes() == as_pem(loaded)


def as_pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def test_without_tls_listeners_nothing_is_made(tmp_path: Path) -> None:
    plain = settings(tmp_path, proxy_listen="127.0.0.1:0")
    assert as_files(plain) is plain
    assert not list((tmp_path / "ssl").iterdir())


def test_files_of_the_settings_are_used_where_they_are(tmp_path: Path) -> None:
    make_self_signed(tmp_path, "own")
    pair = {"ssl_cert": str(tmp_path / "own.crt"), "ssl_cert_key": str(tmp_path / "own.key")}
    made = as_files(settings(tmp_path, **pair))
    assert (made.ssl_cert, made.ssl_cert_key) == ((pair["ssl_cert"],), (pair["ssl_cert_key"],))


def test_pem_text_of_the_settings_becomes_private_files(tmp_path: Path) -> None:
    make_self_signed(tmp_path, "own")
    texts = {"ssl_cert": (tmp_path / "own.crt").read_text(), "ssl_cert_key": (tmp_path / "own.key").read_text()}
    made = as_files(settings(tmp_path, **texts))
    for path, text in ((made.ssl_cert[0], texts["ssl_cert"]), (made.ssl_cert_key[0], texts["ssl_cert_key"])):
        assert Path(path).read_text().strip() == text.strip()
        assert Path(path).stat().st_mode & 0o777 == 0o600


def test_files_that_do_not_fit_or_are_not_there_are_refused(tmp_path: Path) -> None:
    make_self_signed(tmp_path, "one")
    make_self_signed(tmp_path, "two")
    with pytest.raises(StartError) as refused:
        as_files(settings(tmp_path, ssl_cert=str(tmp_path / "one.crt"), ssl_cert_key=str(tmp_path / "two.key")))
    assert "are no certificate with its key" in refused.value.messages[0]


def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    made = settings(tmp_path)
    (tmp_path / "ssl").rmdir()
    with pytest.raises(StartError, match="no certificate could be made"):
        as_files(made)
