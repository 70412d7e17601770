"""`Settings`: what the operator set for this node, checked and in the types that the rest of Gateline works with.

Field names are Kong's names of the settings. The object is immutable and light: every process has one, made from
`to_dict` of the process that read the files. It has no defaults of its own; those stand in the table.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.settings.listen import Listen
from gateline.settings.table import SETTINGS

MASK = "******"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one node. Times are in seconds, sizes in bytes, paths absolute; None means "not set" or "off"."""

    prefix: Path
    log_level: str
    log_format: str
    node_id: str | None
    worker_processes: int
    nginx_daemon: bool
    drain_timeout: float
    locality: str | None
    max_connections: int

    database: str
    """`off`, `sqlite` or `postgres`."""
    sqlite_path: Path
    pg_host: str
    pg_port: int
    pg_user: str
    pg_password: str | None
    pg_database: str
    pg_schema: str | None
    pg_timeout: int
    """Milliseconds."""
    pg_pool_size: int
    pg_ssl: bool
    pg_ssl_required: bool
    pg_ssl_verify: bool
    pg_ssl_cert: Path | None
    pg_ssl_cert_key: Path | None
    db_update_frequency: float
    credential_storage: str | None
    """`encrypted`, `hashed`, `plain`; None where it follows from whether there is a key."""
    credential_keys: tuple[Path, ...]
    declarative_config: Path | None
    declarative_config_string: str | None
    router_flavor: str
    vault_env_prefix: str | None
    plugins: tuple[str, ...]
    plugin_folders: tuple[Path, ...]
    plugin_body_limit: int
    untrusted_python: bool

    proxy_listen: tuple[Listen, ...]
    admin_listen: tuple[Listen, ...]
    admin_token: str | None
    status_listen: tuple[Listen, ...]
    admin_gui_listen: tuple[Listen, ...]
    port_maps: Mapping[int, int]
    """Listening port → the port that clients see."""

    ssl_cert: tuple[str, ...]
    """Each is an absolute path, or PEM text (it contains `-----BEGIN`); so are all that follow."""
    ssl_cert_key: tuple[str, ...]
    admin_ssl_cert: tuple[str, ...]
    admin_ssl_cert_key: tuple[str, ...]
    status_ssl_cert: tuple[str, ...]
    status_ssl_cert_key: tuple[str, ...]
    ssl_cipher_suite: str
    ssl_ciphers: str | None
    """None is OpenSSL's own choice; where nothing is set, what the cipher suite stands for, as in the next two."""
    ssl_protocols: tuple[str, ...]
    ssl_prefer_server_ciphers: bool
    ssl_session_tickets: bool
    client_ssl: bool
    client_ssl_cert: str | None
    client_ssl_cert_key: str | None
    upstream_tls_verify: bool
    lua_ssl_trusted_certificate: tuple[str, ...]
    """`system`, or as `ssl_cert`."""
    lua_ssl_verify_depth: int

    headers: frozenset[str]
    """Lower-case names of the headers that responses get, groups expanded."""
    headers_upstream: frozenset[str]
    trusted_ips: tuple[str, ...]
    real_ip_header: str
    """Lower-case name, or `proxy_protocol`."""
    real_ip_recursive: bool
    error_default_type: str
    error_template_html: Path | None
    error_template_json: Path | None
    error_template_xml: Path | None
    error_template_plain: Path | None
    allow_debug_header: bool
    client_header_timeout: float
    client_body_timeout: float
    client_send_timeout: float
    client_idle_timeout: float
    nginx_http_keepalive_requests: int
    nginx_http_client_max_body_size: int
    """Bytes; 0 is no limit."""
    nginx_admin_client_max_body_size: int
    max_header_line: int
    max_header_size: int
    max_header_count: int

    upstream_keepalive_pool_size: int
    upstream_keepalive_max_requests: int
    upstream_keepalive_idle_timeout: float

    dns_resolver: tuple[str, ...]
    dns_hostsfile: str
    dns_order: tuple[str, ...]
    dns_valid_ttl: float | None
    dns_stale_ttl: float
    dns_cache_size: int
    dns_not_found_ttl: float
    dns_error_ttl: float
    dns_no_sync: bool
    new_dns_client: bool
    resolver_address: tuple[str, ...]
    resolver_hosts_file: str
    resolver_family: tuple[str, ...]
    resolver_valid_ttl: float | None
    resolver_error_ttl: float
    resolver_stale_ttl: float
    resolver_lru_cache_size: int

    proxy_access_log: Path | None
    proxy_error_log: Path | None
    access_log_format: str
    access_log_buffer: int
    access_log_flush: float
    admin_access_log: Path | None

    others: Mapping[str, Any]
    """Settings that no field holds (features to come, names without a meaning), in their plain form."""

    @property
    def trusted_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """`trusted_ips` parsed, `unix:` left out. Worth keeping: it is parsed at each call."""
        return tuple(ipaddress.ip_network(entry, strict=False) for entry in self.trusted_ips if entry != "unix:")

    @property
    def pid_file(self) -> Path:
        """Where the supervisor writes its process id."""
        return self.prefix / "pids" / "gateline.pid"

    @property
    def state_file(self) -> Path:
        """Where the supervisor writes what it runs: addresses, processes, the last reload."""
        return self.prefix / "run" / "state.json"

    def to_dict(self) -> dict[str, Any]:
        """Plain values (JSON, MessagePack) from which `from_dict` makes the same settings. Secrets are in it."""
        plain: dict[str, Any] = {"others": dict(self.others)}
        for name in FIELDS:
            value = getattr(self, name)
            plain[name] = value if value is None and not _is_off(name) else SETTINGS[name].kind.dump(value)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Settings:
        """The settings of which `to_dict` was taken. Trusts its input."""
        values: dict[str, Any] = {"others": dict(plain["others"])}
        for name in FIELDS:
            value = plain[name]
            values[name] = None if value is None else SETTINGS[name].kind.load(value)
        return cls(**values)

    def masked(self) -> dict[str, Any]:
        """Every setting by name in plain form, for people and for `GET /`: what is secret shows as `******`."""
        plain = self.to_dict()
        shown = {**plain.pop("others"), **plain}
        for name, value in shown.items():
            row = SETTINGS.get(name)
            secret = row.secret if row else any(word in name for word in ("password", "secret", "token", "key"))
            if secret and value:
                shown[name] = MASK
        return {name: shown[name] for name in sorted(shown) if shown[name] is not None}


FIELDS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Settings) if field.name != "others")
"""Names of the settings that a field holds."""


def _is_off(name: str) -> bool:
    """Whether None means `off` there, which its kind writes."""
    return name.endswith("_log")
