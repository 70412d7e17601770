"""Where a node's entities are, from its settings: the options of its store."""

import ssl
from hashlib import sha256
from pathlib import Path

from gateline.control.state import write_atomically
from gateline.entities.sealing import Sealer
from gateline.settings import Settings, read_pem
from gateline.sharedstate.keys import sealer_of
from gateline.store import StoreOptions

_SYSTEM = "system"


def store_options(settings: Settings, sealer: Sealer | None = None) -> StoreOptions:
    """The options of the store that the settings name; secrets are kept as the settings say, or by `sealer`.

    Raises OSError for certificates that cannot be read, KeyFileError.
    """
    if settings.database == "off":
        return StoreOptions("off")
    if settings.database == "sqlite":
        return StoreOptions(
            "sqlite",
            settings.sqlite_path,
            poll_interval=settings.db_update_frequency,
            sealer=sealer or sealer_of(settings),
        )
    return StoreOptions(
        "postgres",
        pg_host=settings.pg_host,
        pg_port=settings.pg_port,
        pg_user=settings.pg_user,
        pg_password=settings.pg_password,
        pg_database=settings.pg_database,
        pg_schema=settings.pg_schema,
        pg_ssl=settings.pg_ssl or settings.pg_ssl_required or settings.pg_ssl_verify,
        pg_ssl_required=settings.pg_ssl_required,
        pg_ssl_verify=settings.pg_ssl_verify,
        pg_ssl_trusted=_trusted(settings) if settings.pg_ssl_verify else None,
        pg_ssl_cert=settings.pg_ssl_cert,
        pg_ssl_cert_key=settings.pg_ssl_cert_key,
        pg_timeout=settings.pg_timeout / 1000,
        pg_pool_size=settings.pg_pool_size,
        poll_interval=settings.db_update_frequency,
        sealer=sealer or sealer_of(settings),
    )


def origin_of(options: StoreOptions) -> str:
    """What tells one place of entities from another."""
    return f"{options!r} {options.pg_schema}" if options.database == "postgres" else repr(options)


def _trusted(settings: Settings) -> Path | None:
    """One file with all certificate authorities; None for the system's alone."""
    entries = settings.lua_ssl_trusted_certificate
    if all(entry == _SYSTEM for entry in entries):
        return None
    parts = [read_pem(entry) for entry in entries if entry != _SYSTEM]
    system = ssl.get_default_verify_paths().cafile
    if _SYSTEM in entries and system:
        parts.append(Path(system).read_bytes())
    content = b"\n".join(parts)
    path = settings.prefix / "ssl" / f"trusted-{sha256(content).hexdigest()[:24]}.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return path
