"""Rows of the table: the node, its processes, where it writes, what it is configured from."""

from gateline.settings.kinds import (
    BOOLEAN,
    DURATION,
    LIST,
    LOG_FILE,
    PATH,
    TEXT,
    choice,
    duration,
    integer,
    number,
    size,
)
from gateline.settings.table.rows import Setting, later

GENERAL = (
    Setting(
        "prefix",
        PATH,
        None,
        "Directory for everything that the node writes: pid file, sockets, logs, generated certificates. Default: "
        "`/usr/local/gateline` for root or where that is writable, else `$XDG_STATE_HOME/gateline` "
        "(`~/.local/state/gateline`).",
    ),
    Setting(
        "log_level",
        choice("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"),
        "notice",
        "Least severe message that is written to the error log.",
    ),
    Setting("log_format", choice("text", "json"), "text", "Form of the error log's lines."),
    Setting("node_id", TEXT, None, "Identity of this node, a UUID. Without it one is made and kept under the prefix."),
    Setting(
        "worker_processes",
        integer(0, 1024, auto=0),
        "auto",
        "Worker processes; `auto` starts one for each core that the process may use.",
    ),
    Setting(
        "nginx_daemon",
        BOOLEAN,
        "on",
        "Whether `kong start` goes to the background. `gateline start` does with `--daemon`.",
    ),
    Setting(
        "drain_timeout",
        duration(0, 86400),
        "10",
        "Seconds that requests in flight get to finish when a worker is replaced or the node quits.",
    ),
    Setting(
        "max_connections",
        integer(1, 1048576, auto=16384),
        "16384",
        "Client connections that a worker holds at a time.",
    ),
)

CONFIGURATION = (
    Setting(
        "database",
        choice("off", "postgres", "cassandra"),
        "off",
        "Where entities are stored. `off` keeps them in memory, from a declarative file or from `POST /config`; the "
        "others are refused, for now.",
    ),
    Setting(
        "declarative_config",
        PATH,
        None,
        "Declarative configuration file, or a directory of such files, read at start and reload.",
    ),
    Setting("declarative_config_string", TEXT, None, "Declarative configuration as text, YAML or JSON.", secret=True),
    Setting(
        "router_flavor",
        choice("traditional_compatible", "traditional", "expressions"),
        "traditional_compatible",
        "How routes are described and ordered.",
    ),
    Setting(
        "vault_env_prefix", TEXT, None, "What the names of environment variables in `{vault://env/...}` begin with."
    ),
    later("plugins", LIST, "bundled", "Plugins to load: `bundled`, `off`, names."),
    later("vaults", LIST, "bundled", "Vaults to load: `bundled`, `off`, names."),
    later(
        "role",
        choice("traditional", "control_plane", "data_plane"),
        "traditional",
        "Role of the node in a hybrid deployment.",
    ),
    later("pluginserver_names", LIST, None, "Names of plugin servers."),
)

LOGS = (
    Setting(
        "proxy_access_log",
        LOG_FILE,
        "logs/access.log",
        "Access log of the proxy: a path (`/dev/stdout` too), relative to the prefix, or `off`. A form may follow: "
        "`/dev/stdout json`.",
        in_prefix=True,
    ),
    Setting(
        "proxy_error_log",
        LOG_FILE,
        "logs/error.log",
        "Error log. In the foreground it goes to standard error unless this is set.",
        in_prefix=True,
    ),
    Setting(
        "access_log_format",
        choice("text", "json"),
        "text",
        "Form of the access log's lines: nginx's combined form and request id, or JSON.",
    ),
    Setting(
        "access_log_buffer", size(0, 64 * 1024**2), "64k", "Bytes of access log that a worker gathers before it writes."
    ),
    Setting(
        "access_log_flush", duration(0, 3600), "1", "Longest time that a line of the access log waits to be written."
    ),
    Setting("admin_access_log", LOG_FILE, "logs/admin_access.log", "Access log of the Admin API.", in_prefix=True),
    Setting("admin_error_log", LOG_FILE, "logs/error.log", "Error log of the Admin API.", "later", in_prefix=True),
    Setting("status_access_log", LOG_FILE, "off", "Access log of the status API.", "later", in_prefix=True),
    Setting(
        "status_error_log", LOG_FILE, "logs/status_error.log", "Error log of the status API.", "later", in_prefix=True
    ),
    Setting(
        "admin_gui_access_log",
        LOG_FILE,
        "logs/admin_gui_access.log",
        "Access log of the web pages.",
        "later",
        in_prefix=True,
    ),
    Setting(
        "admin_gui_error_log",
        LOG_FILE,
        "logs/admin_gui_error.log",
        "Error log of the web pages.",
        "later",
        in_prefix=True,
    ),
    Setting(
        "proxy_stream_access_log",
        LOG_FILE,
        "logs/access.log basic",
        "Access log of TCP and TLS proxying.",
        "later",
        in_prefix=True,
    ),
    Setting(
        "proxy_stream_error_log",
        LOG_FILE,
        "logs/error.log",
        "Error log of TCP and TLS proxying.",
        "later",
        in_prefix=True,
    ),
    later("tracing_instrumentations", LIST, "off", "What is traced."),
    later("tracing_sampling_rate", number(0, 1), "0.01", "Share of requests that is traced."),
    later("request_debug", BOOLEAN, "on", "Whether a request may ask for a report of its own timing."),
    later("request_debug_token", TEXT, None, "Token that such a request shows.", secret=True),
)

STORE = (
    later("pg_host", TEXT, "127.0.0.1", "PostgreSQL: host."),
    later("pg_port", integer(0, 65535), "5432", "PostgreSQL: port."),
    later("pg_timeout", integer(), "5000", "PostgreSQL: timeout, in ms."),
    later("pg_user", TEXT, "kong", "PostgreSQL: user."),
    later("pg_password", TEXT, None, "PostgreSQL: password.", secret=True),
    later("pg_database", TEXT, "kong", "PostgreSQL: database."),
    later("pg_schema", TEXT, None, "PostgreSQL: schema."),
    later("pg_ssl", BOOLEAN, "off", "PostgreSQL: TLS."),
    later("pg_ssl_version", choice("tlsv1_1", "tlsv1_2", "tlsv1_3", "any"), "tlsv1_2", "PostgreSQL: version of TLS."),
    later("pg_ssl_required", BOOLEAN, "off", "PostgreSQL: refuse to go on without TLS."),
    later("pg_ssl_verify", BOOLEAN, "off", "PostgreSQL: check the server's certificate."),
    later("pg_max_concurrent_queries", integer(), "0", "PostgreSQL: queries at a time; 0 is no limit."),
    later("pg_semaphore_timeout", integer(), "60000", "PostgreSQL: longest wait for a query's turn, in ms."),
    later("pg_keepalive_timeout", integer(), None, "PostgreSQL: idle time of a connection, in ms."),
    later("pg_pool_size", integer(), None, "PostgreSQL: connections in the pool."),
    later("pg_backlog", integer(), None, "PostgreSQL: queries that may wait for a connection."),
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
    later("db_update_frequency", DURATION, "5", "Seconds between looks for changes in the database."),
    later("db_update_propagation", DURATION, "0", "Seconds that a change needs to reach every database node."),
    later("db_cache_ttl", DURATION, "0", "Seconds that an entity stays cached; 0 is for ever."),
    later("db_cache_neg_ttl", DURATION, None, "Seconds that a miss stays cached."),
    later("db_resurrect_ttl", DURATION, "30", "Seconds that a stale entity serves while the database is gone."),
    later("db_cache_warmup_entities", LIST, "services", "Entities that are loaded at start."),
)
