"""Rows of the table: Kong's settings that mean nothing here, other names of ours, and families of names."""

import re
from collections.abc import Mapping

from gateline.settings.errors import BadValue
from gateline.settings.kinds import BOOLEAN, DURATION, INTEGER, LIST, PEM, SIZE, TEXT, choice, size
from gateline.settings.table.rows import Alias, Family, later, unused

CLUSTER = (
    later("cluster_listen", TEXT, "0.0.0.0:8005", "Hybrid mode: address of the control plane's listener."),
    later("cluster_control_plane", TEXT, "127.0.0.1:8005", "Hybrid mode: where data planes find their control plane."),
    later("cluster_cert", PEM, None, "Hybrid mode: certificate."),
    later("cluster_cert_key", PEM, None, "Hybrid mode: its key.", secret=True),
    later(
        "cluster_mtls", choice("shared", "pki", "pki_check_cn"), "shared", "Hybrid mode: how certificates are checked."
    ),
    later("cluster_ca_cert", PEM, None, "Hybrid mode: certificate authority."),
    later("cluster_server_name", TEXT, None, "Hybrid mode: server name."),
    later(
        "cluster_data_plane_purge_delay",
        DURATION,
        "1209600",
        "Hybrid mode: seconds until a data plane that is gone is forgotten.",
    ),
    later("cluster_ocsp", choice("on", "off", "optional"), "off", "Hybrid mode: whether revocation is checked."),
    later("cluster_max_payload", INTEGER, "16777216", "Hybrid mode: largest message."),
    later("cluster_dp_labels", LIST, None, "Hybrid mode: labels of a data plane."),
    later("cluster_use_proxy", BOOLEAN, "off", "Hybrid mode: whether the proxy server is used."),
    later("cluster_rpc", BOOLEAN, "off", "Hybrid mode: remote calls."),
    later("cluster_rpc_sync", BOOLEAN, "off", "Hybrid mode: incremental changes."),
)

UNUSED = (
    unused("anonymous_reports", BOOLEAN, "off", "Gateline reports nothing to anybody."),
    unused("host_ports", TEXT, None, "Use port_maps."),
    unused("proxy_server", TEXT, None, "Only Enterprise plugins use it.", secret=True),
    unused("proxy_server_ssl_verify", BOOLEAN, "on", "Only Enterprise plugins use it."),
    unused("kic", BOOLEAN, "off", "Belongs to Kong's ingress controller."),
    unused("client_body_buffer_size", SIZE, "8k", "Bodies are streamed, not buffered."),
    unused("mem_cache_size", SIZE, "128m", "There is no such cache."),
    unused("lmdb_map_size", SIZE, "2048m", "Configuration is not kept in LMDB."),
    unused("lmdb_environment_path", TEXT, "dbless.lmdb", "Configuration is not kept in LMDB."),
    unused(
        "worker_consistency",
        choice("eventual", "strict"),
        "eventual",
        "A change is in force in every worker when the call that made it returns.",
    ),
    unused("worker_state_update_frequency", DURATION, "5", "Changes do not wait."),
    unused("dedicated_config_processing", BOOLEAN, "on", "The control process always is one of its own."),
    unused("nginx_user", TEXT, None, "Gateline runs as the user who starts it."),
    unused("lua_package_path", TEXT, None, "There is no Lua."),
    unused("lua_package_cpath", TEXT, None, "There is no Lua."),
    unused("lua_socket_pool_size", INTEGER, "256", "There is no Lua."),
    unused("lua_ssl_protocols", TEXT, "TLSv1.2 TLSv1.3", "There is no Lua."),
    unused("lua_max_req_headers", INTEGER, "100", "See max_header_count."),
    unused("lua_max_resp_headers", INTEGER, "100", "See max_header_count."),
    unused("lua_max_uri_args", INTEGER, "100", "All arguments are read."),
    unused("lua_max_post_args", INTEGER, "100", "All arguments are read."),
    unused(
        "untrusted_lua",
        choice("on", "off", "sandbox", "lax", "strict"),
        "sandbox",
        "There is no Lua. See untrusted_python.",
    ),
    unused("untrusted_lua_sandbox_requires", LIST, None, "There is no Lua."),
    unused("untrusted_lua_sandbox_environment", LIST, None, "There is no Lua."),
    unused("openresty_path", TEXT, None, "There is no OpenResty."),
    unused("wasm", BOOLEAN, "off", "There are no WebAssembly filters."),
    unused("wasm_filters_path", TEXT, None, "There are no WebAssembly filters."),
    unused("wasm_filters", LIST, "bundled, user", "There are no WebAssembly filters."),
    unused("wasm_dynamic_module", TEXT, None, "There are no WebAssembly filters."),
)


def _keepalive_timeout(text: str) -> Mapping[str, str]:
    """The first time counts: the second is for a header that is not sent here. In nginx, 0 switches keep-alive off."""
    first = (text.split() or [""])[0]
    return {"nginx_http_keepalive_requests": "1"} if first.strip("0s") == "" else {"client_idle_timeout": first}


def _large_header_buffers(text: str) -> Mapping[str, str]:
    """`4 8k`: a line must fit one buffer, the head all of them."""
    count, _, buffer = text.partition(" ")
    if not (count.isascii() and count.isdigit() and 0 < int(count) <= 1024):
        raise BadValue("a number of buffers and their size, such as 4 8k")
    try:
        line = size(1).parse(buffer.strip())
    except BadValue:
        raise BadValue("a number of buffers and their size, such as 4 8k") from None
    return {"max_header_line": str(line), "max_header_size": str(int(count) * line)}


ALIASES = (
    Alias("nginx_worker_processes", ("worker_processes",)),
    Alias("nginx_main_worker_processes", ("worker_processes",)),
    Alias("nginx_main_daemon", ("nginx_daemon",)),
    Alias("nginx_main_user", ("nginx_user",)),
    Alias("nginx_events_worker_connections", ("max_connections",)),
    Alias("client_max_body_size", ("nginx_http_client_max_body_size",)),
    Alias("nginx_proxy_client_max_body_size", ("nginx_http_client_max_body_size",)),
    Alias("nginx_http_client_body_buffer_size", ("client_body_buffer_size",)),
    Alias("nginx_proxy_client_body_buffer_size", ("client_body_buffer_size",)),
    Alias("nginx_http_client_header_timeout", ("client_header_timeout",)),
    Alias("nginx_proxy_client_header_timeout", ("client_header_timeout",)),
    Alias("nginx_http_client_body_timeout", ("client_body_timeout",)),
    Alias("nginx_proxy_client_body_timeout", ("client_body_timeout",)),
    Alias("nginx_http_send_timeout", ("client_send_timeout",)),
    Alias("nginx_proxy_send_timeout", ("client_send_timeout",)),
    Alias(
        "nginx_http_keepalive_timeout",
        ("client_idle_timeout", "nginx_http_keepalive_requests"),
        "The first of its times; with 0 one request a connection.",
        _keepalive_timeout,
    ),
    Alias(
        "nginx_proxy_keepalive_timeout",
        ("client_idle_timeout", "nginx_http_keepalive_requests"),
        "The first of its times; with 0 one request a connection.",
        _keepalive_timeout,
    ),
    Alias("nginx_proxy_keepalive_requests", ("nginx_http_keepalive_requests",)),
    Alias(
        "nginx_http_large_client_header_buffers",
        ("max_header_line", "max_header_size"),
        "The size of one buffer, and of all.",
        _large_header_buffers,
    ),
    Alias(
        "nginx_proxy_large_client_header_buffers",
        ("max_header_line", "max_header_size"),
        "The size of one buffer, and of all.",
        _large_header_buffers,
    ),
    Alias("nginx_proxy_real_ip_header", ("real_ip_header",)),
    Alias("nginx_proxy_real_ip_recursive", ("real_ip_recursive",)),
    Alias("nginx_http_ssl_protocols", ("ssl_protocols",)),
    Alias("nginx_http_ssl_ciphers", ("ssl_ciphers",)),
    Alias("nginx_http_ssl_prefer_server_ciphers", ("ssl_prefer_server_ciphers",)),
    Alias("nginx_http_ssl_session_tickets", ("ssl_session_tickets",)),
    Alias("nginx_http_ssl_session_timeout", ("ssl_session_timeout",)),
    Alias("nginx_http_ssl_dhparam", ("ssl_dhparam",)),
    Alias("nginx_proxy_proxy_ssl_verify", ("upstream_tls_verify",)),
    Alias("nginx_upstream_keepalive", ("upstream_keepalive_pool_size",)),
    Alias("nginx_upstream_keepalive_requests", ("upstream_keepalive_max_requests",)),
    Alias("nginx_upstream_keepalive_timeout", ("upstream_keepalive_idle_timeout",)),
)

_BLOCKS = "main|events|http|proxy|upstream|location|admin|admin_gui|status|debug|stream|sproxy|supstream"

FAMILIES = (
    Family(
        "nginx_<block>_<directive>",
        re.compile(rf"nginx_(?:{_BLOCKS})_[a-z0-9_]+"),
        "There is no nginx that could take the directive. Those with an equivalent are in the list of other names.",
    ),
    Family(
        "pluginserver_<name>_<socket|start_cmd|query_cmd>",
        re.compile(r"pluginserver_[a-z0-9_\-]+_(?:socket|start_cmd|query_cmd)"),
        "How a plugin server is started: where a Python one has its plugins is a plugin folder.",
        "later",
    ),
    Family("vault_<name>_<option>", re.compile(r"vault_[a-z0-9]+_[a-z0-9_]+"), "Options of vaults.", "later"),
)
