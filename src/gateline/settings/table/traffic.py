"""Rows of the table: addresses, TLS, requests and their limits, upstream connections, names."""

from gateline.settings.kinds import (
    BOOLEAN,
    DURATION,
    HEADER_NAME,
    HEADERS,
    HEADERS_UPSTREAM,
    INTEGER,
    LIST,
    LISTENS,
    NAME_SERVERS,
    NETWORKS,
    PATH,
    PEM,
    PEM_LIST,
    PORT_MAPS,
    SIZE,
    TEXT,
    TOKEN,
    choice,
    choices,
    duration,
    integer,
    size,
)
from gateline.settings.table.rows import Setting, later, unused

LISTENERS = (
    Setting(
        "proxy_listen",
        LISTENS,
        "0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384",
        "Addresses of the proxy, or `off`. Port 0 takes a free one.",
    ),
    Setting(
        "admin_listen",
        LISTENS,
        "127.0.0.1:8001 reuseport backlog=16384, 127.0.0.1:8444 http2 ssl reuseport backlog=16384",
        "Addresses of the Admin API, or `off`.",
    ),
    Setting(
        "admin_token",
        TOKEN,
        None,
        "What a client of the Admin API has to show, as `Authorization: Bearer <token>` or `Kong-Admin-Token: "
        "<token>`. Without it, whoever reaches `admin_listen` may do everything.",
        secret=True,
    ),
    Setting(
        "status_listen", LISTENS, "127.0.0.1:8007 reuseport backlog=16384", "Addresses of the status API, or `off`."
    ),
    Setting(
        "admin_gui_listen", LISTENS, "0.0.0.0:8002, 0.0.0.0:8445 ssl", "Addresses of the web pages, or `off`.", "later"
    ),
    Setting("stream_listen", LISTENS, "off", "Addresses for TCP and TLS proxying, or `off`.", "later"),
    Setting(
        "port_maps",
        PORT_MAPS,
        None,
        "`outer:listening` pairs: the port that clients see, where something in front translates it, such as "
        "`80:8000, 443:8443`.",
    ),
    later("admin_gui_url", LIST, None, "Address under which the web pages are reached."),
    later("admin_gui_path", TEXT, "/", "Path under which the web pages are reached."),
    later("admin_gui_api_url", TEXT, None, "Address under which the web pages reach the Admin API."),
)

TLS = (
    Setting(
        "ssl_cert",
        PEM_LIST,
        None,
        "Certificates of the proxy: paths, PEM, or base64 of PEM. Without them a self-signed one is made.",
    ),
    Setting("ssl_cert_key", PEM_LIST, None, "Their keys, in the same order.", secret=True),
    Setting("admin_ssl_cert", PEM_LIST, None, "Certificates of the Admin API."),
    Setting("admin_ssl_cert_key", PEM_LIST, None, "Their keys, in the same order.", secret=True),
    Setting("status_ssl_cert", PEM_LIST, None, "Certificates of the status API."),
    Setting("status_ssl_cert_key", PEM_LIST, None, "Their keys, in the same order.", secret=True),
    Setting(
        "ssl_cipher_suite",
        choice("modern", "intermediate", "old", "fips", "custom"),
        "intermediate",
        "Which ciphers and versions clients may use: the three settings below, where they are not set.",
    ),
    Setting(
        "ssl_ciphers", TEXT, None, "Ciphers in OpenSSL's notation. Default: those of the suite; required with `custom`."
    ),
    Setting(
        "ssl_protocols",
        choices("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
        None,
        "Versions of TLS that clients may use. Default: those of the suite, `TLSv1.2 TLSv1.3` for `intermediate`.",
    ),
    Setting(
        "ssl_prefer_server_ciphers",
        BOOLEAN,
        None,
        "Whether the gateway's order of ciphers counts. Default: as the suite says, `off` for `intermediate`.",
    ),
    Setting("ssl_session_tickets", BOOLEAN, "on", "Whether a client may resume a session with a ticket."),
    later("ssl_session_timeout", DURATION, "1d", "How long a session may be resumed."),
    later("ssl_session_cache_size", SIZE, "10m", "Memory for sessions."),
    later("ssl_dhparam", TEXT, None, "Diffie-Hellman parameters."),
    later("admin_gui_ssl_cert", PEM_LIST, None, "Certificates of the web pages."),
    later("admin_gui_ssl_cert_key", PEM_LIST, None, "Their keys.", secret=True),
    Setting("client_ssl", BOOLEAN, "off", "Whether a client certificate is shown to upstreams.", "later"),
    Setting("client_ssl_cert", PEM, None, "That certificate.", "later"),
    Setting("client_ssl_cert_key", PEM, None, "Its key.", "later", secret=True),
    Setting(
        "upstream_tls_verify",
        BOOLEAN,
        "off",
        "Whether upstream certificates are checked where the service does not say (`tls_verify`). Off, as Kong has it.",
    ),
    Setting(
        "lua_ssl_trusted_certificate",
        PEM_LIST,
        "system",
        "Certificate authorities that PostgreSQL's certificate is checked against, and those of servers that plugins "
        "ask: `system`, paths, PEM. Those for upstream certificates are the system's.",
    ),
    Setting("lua_ssl_verify_depth", integer(0, 100), "1", "Longest chain of certificates that is accepted.", "later"),
)

REQUESTS = (
    Setting(
        "headers",
        HEADERS,
        "server_tokens, latency_tokens, x-kong-request-id",
        "Headers that responses get: names, `server_tokens` (Server, Via), `latency_tokens` (the latency headers), "
        "or `off`.",
    ),
    Setting(
        "headers_upstream",
        HEADERS_UPSTREAM,
        "x-kong-request-id",
        "Headers that requests to upstreams get: `x-kong-request-id` or `off`.",
    ),
    Setting(
        "trusted_ips",
        NETWORKS,
        None,
        "Peers whose `X-Forwarded-*` and real address headers are believed: addresses, CIDR blocks, `unix:`.",
    ),
    Setting("real_ip_header", HEADER_NAME, "X-Real-IP", "Header that holds the client's address, or `proxy_protocol`."),
    Setting("real_ip_recursive", BOOLEAN, "off", "Whether trusted addresses in that header are passed over."),
    Setting(
        "error_default_type",
        choice("text/plain", "text/html", "application/json", "application/xml", "application/grpc"),
        "text/plain",
        "Form of generated errors where the request names none.",
    ),
    Setting(
        "error_template_html",
        PATH,
        None,
        "File with a template of generated errors; it holds `%s` twice (message, request id).",
    ),
    Setting("error_template_json", PATH, None, "The same for JSON."),
    Setting("error_template_xml", PATH, None, "The same for XML."),
    Setting("error_template_plain", PATH, None, "The same for plain text."),
    Setting(
        "allow_debug_header", BOOLEAN, "off", "Whether a request with `Kong-Debug: 1` is told its route and service."
    ),
    Setting(
        "client_header_timeout",
        duration(0.001, 86400),
        "60",
        "Seconds that a client may take to send a request's head.",
    ),
    Setting("client_body_timeout", duration(0.001, 86400), "60", "Seconds between two reads of a request's body."),
    Setting("client_send_timeout", duration(0.001, 86400), "60", "Seconds between two writes of a response."),
    Setting(
        "client_idle_timeout",
        duration(0.001, 86400),
        "75",
        "Seconds that a client connection may wait for its next request.",
    ),
    Setting(
        "nginx_http_keepalive_requests", integer(1), "10000", "Requests on a client connection before it is closed."
    ),
    Setting("nginx_http_client_max_body_size", SIZE, "0", "Largest request body; 0 is no limit."),
    Setting("nginx_admin_client_max_body_size", SIZE, "10m", "Largest request body of the Admin API; 0 is no limit."),
    Setting("max_header_line", size(256, 1024**2), "8k", "Longest request line or header line."),
    Setting("max_header_size", size(512, 16 * 1024**2), "32k", "Largest head of a request or response."),
    Setting("max_header_count", integer(1, 65535), "1000", "Most headers of a request or response."),
)

UPSTREAM = (
    Setting(
        "upstream_keepalive_pool_size",
        INTEGER,
        "512",
        "Idle connections that a worker keeps to one address of a target; 0 keeps none.",
    ),
    Setting(
        "upstream_keepalive_max_requests",
        INTEGER,
        "10000",
        "Requests on an upstream connection before it is closed; 0 is no limit.",
    ),
    Setting(
        "upstream_keepalive_idle_timeout",
        DURATION,
        "60",
        "Seconds that an upstream connection may be idle; 0 is no limit.",
    ),
    Setting(
        "dns_resolver",
        NAME_SERVERS,
        None,
        "Name servers, `address` or `address:port`; else those of `/etc/resolv.conf`.",
    ),
    Setting("dns_hostsfile", TEXT, "/etc/hosts", "Hosts file; noticed when it changes."),
    Setting(
        "dns_order",
        choices("LAST", "SRV", "A", "AAAA", "CNAME", upper=True),
        "LAST,SRV,A,AAAA,CNAME",
        "Order in which record types are asked for; `LAST` stands for the type that a name had before.",
    ),
    Setting("dns_valid_ttl", DURATION, None, "Seconds that an answer holds, whatever it says."),
    Setting("dns_stale_ttl", DURATION, "3600", "Seconds that an old answer serves while there is no new one."),
    Setting("dns_cache_size", integer(1), "10000", "Names that a process remembers."),
    Setting("dns_not_found_ttl", DURATION, "30", "Seconds that an unknown name stays unknown."),
    Setting("dns_error_ttl", DURATION, "1", "Seconds that a failed look-up is remembered."),
    Setting("dns_no_sync", BOOLEAN, "off", "Whether askers of one name at the same time each look it up."),
    Setting("new_dns_client", BOOLEAN, "off", "Whether the resolver_* settings take the place of dns_*."),
    Setting("resolver_address", NAME_SERVERS, None, "Name servers; else those of `/etc/resolv.conf`."),
    Setting("resolver_hosts_file", TEXT, "/etc/hosts", "Hosts file."),
    Setting(
        "resolver_family",
        choices("A", "AAAA", "SRV", upper=True),
        "A,SRV",
        "Record types; SRV is asked for names such as `_http._tcp.a.test`.",
    ),
    Setting("resolver_valid_ttl", DURATION, None, "Seconds that an answer holds, whatever it says."),
    Setting("resolver_error_ttl", DURATION, "1", "Seconds that a failed look-up, or an unknown name, is remembered."),
    Setting("resolver_stale_ttl", DURATION, "3600", "Seconds that an old answer serves while there is no new one."),
    Setting("resolver_lru_cache_size", integer(1), "10000", "Names that a process remembers."),
    unused("resolver_mem_cache_size", SIZE, "5m", "Memory for names; `resolver_lru_cache_size` is the limit."),
)
