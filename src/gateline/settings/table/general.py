"""Rows of the table: the node, its processes, where it writes, what it is configured from."""

from gateline.settings.kinds import (
    BOOLEAN,
    LIST,
    LOG_FILE,
    PATH,
    PATHS,
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
    Setting("locality", TEXT, None, "Where this node is, such as a zone: targets of the same locality come first."),
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
    Setting(
        "plugins",
        LIST,
        "bundled",
        "Plugins that may be used: `bundled` (all that come with Gateline), `off`, and names of others.",
    ),
    Setting(
        "plugin_folders",
        PATHS,
        None,
        "Directories of plugins: each file `NAME.py` is the plugin `NAME`, and may be used. Single files are taken.",
    ),
    Setting(
        "plugin_body_limit",
        size(0, 1024**3),
        "8m",
        "Bytes of a body that is kept for plugins which need it whole; what is longer is refused, or passes them by.",
    ),
    Setting(
        "untrusted_python",
        BOOLEAN,
        "off",
        "Whether Python code in the configuration is run (plugins pre-function and post-function). Nothing confines "
        "it: who may write the configuration may then do on this node whatever Gateline may.",
    ),
    later("vaults", LIST, "bundled", "Vaults to load: `bundled`, `off`, names."),
    later(
        "role",
        choice("traditional", "control_plane", "data_plane"),
        "traditional",
        "Role of the node in a hybrid deployment.",
    ),
    later(
        "pluginserver_names",
        LIST,
        None,
        "Names of plugin servers. The plugins of a Python one run inside of the gateway, no server is started.",
    ),
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
