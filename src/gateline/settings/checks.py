"""What one value cannot tell: settings that do not go together are refused, those without an effect are named."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateline.settings.listen import Listen
from gateline.settings.sources import Findings, Given, no_meaning
from gateline.settings.table import SETTINGS, family_of

_CERTIFICATES = ("ssl", "admin_ssl", "status_ssl", "client_ssl")


def check_together(values: Mapping[str, Any], given: Mapping[str, Given], findings: Findings) -> None:
    """Notes every combination of values that cannot work, at the setting that has to change."""

    def refuse(name: str, expected: str) -> None:
        findings.bad_value(
            given.get(name) or Given(name, str(SETTINGS[name].default), "default"),
            expected,
            secret=SETTINGS[name].secret,
        )

    if values["database"] == "cassandra":
        refuse("database", "postgres, sqlite or off: Cassandra is not supported")
    for name in ("declarative_config", "declarative_config_string"):
        if values[name] and values["database"] in ("sqlite", "postgres"):
            refuse(
                name,
                f"no declarative configuration with database = {values['database']}: set database = off to serve it, "
                "or put it into the database with `gateline config db_import`",
            )
    if values["pg_ssl_cert"] and not values["pg_ssl_cert_key"]:
        refuse("pg_ssl_cert", "pg_ssl_cert_key to be set with it")
    if values["role"] != "traditional":
        refuse("role", "traditional: there is no hybrid mode")
    for name in _CERTIFICATES:
        certificates, keys = values[f"{name}_cert"] or (), values[f"{name}_cert_key"] or ()
        if isinstance(certificates, tuple) and len(certificates) != len(keys):
            refuse(
                f"{name}_cert" if certificates else f"{name}_cert_key",
                f"as many entries in {name}_cert as in {name}_cert_key",
            )
    if values["ssl_cipher_suite"] == "custom" and not values["ssl_ciphers"]:
        refuse("ssl_cipher_suite", "ssl_ciphers to be set with custom")
    if "ssl_ciphers" in given and not _openssl_knows(values["ssl_ciphers"]):
        refuse("ssl_ciphers", "a list of ciphers that OpenSSL knows, separated by colons")
    for name in ("html", "json", "xml", "plain"):
        template = values[f"error_template_{name}"]
        if template is not None and not _is_template(template):
            refuse(f"error_template_{name}", "a text file that can be read and holds %s twice")
    if values["max_header_line"] > values["max_header_size"]:
        refuse("max_header_size", f"max_header_line ({values['max_header_line']} bytes) or more")
    taken: dict[str, str] = {}
    for name in ("proxy_listen", "admin_listen", "status_listen"):
        for listen in values[name]:
            if (listen.port or listen.path) and taken.setdefault(listen.address, name) != name:
                refuse(name, f"addresses of its own ({listen.address} is in {taken[listen.address]} too)")
    if values["admin_token"] is None and (
        far := [listen.address for listen in values["admin_listen"] if _is_far(listen)]
    ):
        findings.warnings.append(
            f"whoever reaches {', '.join(far)} may change everything: set admin_token, or listen on 127.0.0.1"
        )
    if values["credential_storage"] == "plain" or (
        values["credential_storage"] is None and values["database"] == "postgres" and not values["credential_keys"]
    ):
        findings.warnings.append(
            "credentials are kept as plain text: write a key with `openssl rand -base64 32 > FILE`, name the file in "
            "credential_keys on every node, and leave credential_storage out"
        )
    if values["declarative_config"] and values["declarative_config_string"]:
        findings.warnings.append("declarative_config and declarative_config_string are both set; the file counts")


def warn_of_no_effect(given: Mapping[str, Given], values: Mapping[str, Any], findings: Findings) -> None:
    """One warning for each setting that means nothing here, and one for all whose feature is still to come."""
    to_come: list[str] = []
    for name, one in given.items():
        row, reason = SETTINGS.get(name), no_meaning(name)
        if reason:
            findings.warnings.append(f"{one.where}: {name} has no effect: {reason}")
        elif row is None:
            family = family_of(name)
            if family and family.status == "later":
                to_come.append(name)
        elif row.status != "used" and _says_something(name, values):
            if row.status == "none":
                findings.warnings.append(f"{one.where}: {name} has no effect: {row.about}")
            else:
                to_come.append(name)
    if values["database"] != "postgres":
        idle = [
            name
            for name in sorted(given)
            if name.startswith("pg_") and SETTINGS[name].status == "used" and _says_something(name, values)
        ]
        if idle:
            findings.warnings.append(
                f"{', '.join(idle)} have no effect with database = {values['database']}; set database = postgres"
            )
    if to_come:
        findings.warnings.append(f"no effect yet: {', '.join(sorted(to_come))}")


def _says_something(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting has another value than without being set."""
    row = SETTINGS[name]
    return bool(values[name] != (row.kind.nothing if row.default is None else row.kind.parse(row.default)))


def _is_far(listen: Listen) -> bool:
    """Whether other machines can reach the address, as far as it tells."""
    if listen.path or listen.host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(listen.host.strip("[]")).is_loopback
    except ValueError:
        return True


def _is_template(path: Path) -> bool:
    try:
        return path.read_text("utf-8").count("%s") == 2
    except (OSError, UnicodeDecodeError):
        return False


def _openssl_knows(ciphers: str) -> bool:
    import ssl  # only where ciphers are given: it is not light

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(ciphers)
    except (ssl.SSLError, ValueError):
        return False
    return True
