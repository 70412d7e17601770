"""Rows of the table: where entities are stored, and how the database is reached."""

from gateline.settings.kinds import BOOLEAN, DURATION, LIST, PATH, PATHS, TEXT, choice, duration, integer
from gateline.settings.table.rows import Setting, later, unused

DATABASE = (
    Setting(
        "database",
        choice("off", "sqlite", "postgres", "cassandra"),
        None,
        "Where entities are stored. `sqlite`: in a file below the prefix, for one node. `postgres`: in PostgreSQL, for "
        "one node or many. `off`: nowhere; they are held in memory, from a declarative file or from `POST /config`. "
        "Default: `off` with a declarative configuration, else `sqlite`.",
    ),
    Setting(
        "sqlite_path",
        PATH,
        "gateline.db",
        "File of `database = sqlite`, relative to the prefix. It is made at the first start.",
        in_prefix=True,
    ),
)

CREDENTIALS = (
    Setting(
        "credential_storage",
        choice("encrypted", "hashed", "plain"),
        None,
        "How the secrets of credentials are kept in the database and on disk. `encrypted`: the node alone can read "
        "them. `hashed`: one that is only compared (a key) is shown once, when it is made, and cannot be known again; "
        "others are encrypted. `plain`: as they are, as Kong does. Default: `encrypted` where there is a key.",
    ),
    Setting(
        "credential_keys",
        PATHS,
        None,
        "Files with the keys that encrypt credentials, 32 bytes in base64 each. The first one encrypts, all decrypt. "
        "Default: `credentials.key` in the prefix, which is made when it is not there; with PostgreSQL none, as all "
        "nodes need the same.",
    ),
)

STORE = (
    Setting("pg_host", TEXT, "127.0.0.1", "PostgreSQL: host, or the directory of a unix socket."),
    Setting("pg_port", integer(0, 65535), "5432", "PostgreSQL: port."),
    Setting("pg_user", TEXT, "kong", "PostgreSQL: user."),
    Setting("pg_password", TEXT, None, "PostgreSQL: password.", secret=True),
    Setting("pg_database", TEXT, "kong", "PostgreSQL: database."),
    Setting("pg_schema", TEXT, None, "PostgreSQL: schema. Default: the first of the user's search path."),
    Setting(
        "pg_timeout",
        integer(1),
        "5000",
        "PostgreSQL: longest time for connecting and for a statement, in milliseconds (as Kong has it).",
    ),
    Setting("pg_pool_size", integer(1, 1000), "10", "PostgreSQL: most connections that the node holds."),
    Setting("pg_ssl", BOOLEAN, "off", "PostgreSQL: use TLS when the server has it."),
    Setting("pg_ssl_required", BOOLEAN, "off", "PostgreSQL: refuse to go on without TLS."),
    Setting(
        "pg_ssl_verify",
        BOOLEAN,
        "off",
        "PostgreSQL: check the server's certificate against `lua_ssl_trusted_certificate`.",
    ),
    Setting("pg_ssl_cert", PATH, None, "PostgreSQL: file with the certificate that the node shows."),
    Setting("pg_ssl_cert_key", PATH, None, "PostgreSQL: file with its key."),
    Setting(
        "db_update_frequency",
        duration(0.05, 3600),
        "1",
        "Seconds between looks for changes that other nodes made. With PostgreSQL they are notified of as well.",
    ),
    unused("pg_ssl_version", TEXT, "tlsv1_2", "TLS 1.2 or newer is spoken."),
    unused("pg_max_concurrent_queries", integer(), "0", "See pg_pool_size."),
    unused("pg_semaphore_timeout", integer(), "60000", "See pg_pool_size and pg_timeout."),
    unused("pg_keepalive_timeout", integer(), None, "Connections are kept."),
    unused("pg_backlog", integer(), None, "A query waits for a connection as long as pg_timeout says."),
    later("pg_ro_host", TEXT, None, "PostgreSQL, read only: host."),
    later("pg_ro_port", integer(0, 65535), None, "PostgreSQL, read only: port."),
    later("pg_ro_timeout", integer(), None, "PostgreSQL, read only: timeout, in ms."),
    later("pg_ro_user", TEXT, None, "PostgreSQL, read only: user."),
    later("pg_ro_password", TEXT, None, "PostgreSQL, read only: password.", secret=True),
    later("pg_ro_database", TEXT, None, "PostgreSQL, read only: database."),
    later("pg_ro_schema", TEXT, None, "PostgreSQL, read only: schema."),
    later("pg_ro_ssl", BOOLEAN, None, "PostgreSQL, read only: TLS."),
    later("pg_ro_ssl_version", TEXT, None, "PostgreSQL, read only: version of TLS."),
    later("pg_ro_ssl_required", BOOLEAN, None, "PostgreSQL, read only: refuse to go on without TLS."),
    later("pg_ro_ssl_verify", BOOLEAN, None, "PostgreSQL, read only: check the server's certificate."),
    later("pg_ro_max_concurrent_queries", integer(), None, "PostgreSQL, read only: queries at a time."),
    later("pg_ro_semaphore_timeout", integer(), None, "PostgreSQL, read only: longest wait for a query's turn, in ms."),
    later("pg_ro_keepalive_timeout", integer(), None, "PostgreSQL, read only: idle time of a connection, in ms."),
    later("pg_ro_pool_size", integer(), None, "PostgreSQL, read only: connections in the pool."),
    later("pg_ro_backlog", integer(), None, "PostgreSQL, read only: queries that may wait."),
    unused("db_update_propagation", DURATION, "0", "Changes are read from where they were written, in their order."),
    unused("db_cache_ttl", DURATION, "0", "What is in force is told of every change, so nothing expires."),
    unused("db_cache_neg_ttl", DURATION, None, "What is in force is told of every change, so nothing expires."),
    unused("db_resurrect_ttl", DURATION, "30", "Without its database a node serves on with what it has, for ever."),
    unused("db_cache_warmup_entities", LIST, "services", "Workers have everything before they serve."),
)
