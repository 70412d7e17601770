"""Where settings come from, which source wins, what is said about what is wrong."""

import os
import pickle
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateline.settings import (
    LoadedSettings,
    Settings,
    SettingsError,
    SettingsSource,
    default_prefix,
    default_settings,
    find_prefix,
    load_settings,
)
from gateline.settings.table.ciphers import SUITES


def load(
    environ: Mapping[str, str] | None = None, conf: str | None = None, tmp_path: Path | None = None, **options: str
) -> LoadedSettings:
    path = None
    if conf is not None:
        assert tmp_path is not None
        path = tmp_path / "gateline.conf"
        path.write_text(conf)
    return load_settings(path, environ or {}, options, directory=tmp_path, search=())


def problems(*args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(*args, **kwargs)
    return refused.value.messages


@pytest.mark.parametrize(
    ("environ", "options", "expected"),
    [
        ({}, {}, "info"),
        ({"KONG_LOG_LEVEL": "warn"}, {}, "warn"),
        ({"KONG_LOG_LEVEL": "warn", "GATELINE_LOG_LEVEL": "error"}, {}, "error"),
        ({"KONG_LOG_LEVEL": "warn", "GATELINE_LOG_LEVEL": "error"}, {"log_level": "crit"}, "crit"),
    ],
)
def test_the_strongest_source_wins(
    environ: dict[str, str], options: dict[str, str], expected: str, tmp_path: Path
) -> None:
    assert load(environ, "log_level = info", tmp_path, **options).settings.log_level == expected


def test_an_empty_value_is_the_default(tmp_path: Path) -> None:
    assert load({"KONG_LOG_LEVEL": " "}, "plugins =\nlog_level =", tmp_path).settings == load().settings


def test_what_was_given_and_where_from_is_known(tmp_path: Path) -> None:
    loaded = load({"KONG_DATABASE": "off"}, "nginx_worker_processes = 3", tmp_path)
    assert loaded.given == {"database", "worker_processes"}
    assert loaded.conf == tmp_path / "gateline.conf"
    assert loaded.settings.worker_processes == 3


def test_a_kong_users_environment_works(tmp_path: Path) -> None:
    loaded = load(
        {
            "KONG_DATABASE": "off",
            "KONG_DECLARATIVE_CONFIG": "/kong/kong.yml",
            "KONG_PREFIX": str(tmp_path),
            "KONG_PROXY_LISTEN": "0.0.0.0:80, 0.0.0.0:443 ssl http2",
            "KONG_ADMIN_LISTEN": "off",
            "KONG_STATUS_LISTEN": "0.0.0.0:8100",
            "KONG_PROXY_ACCESS_LOG": "/dev/stdout",
            "KONG_TRUSTED_IPS": "0.0.0.0/0,::/0",
            "KONG_REAL_IP_HEADER": "X-Forwarded-For",
            "KONG_REAL_IP_RECURSIVE": "on",
            "KONG_HEADERS": "off",
            "KONG_NGINX_WORKER_PROCESSES": "2",
            "KONG_LOG_LEVEL": "debug",
            "KONG_UPSTREAM_KEEPALIVE_POOL_SIZE": "1024",
            "KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS": "0",
            "KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT": "30",
            "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": "10m",
            "KONG_NGINX_DAEMON": "off",
            "KONG_ANONYMOUS_REPORTS": "off",
        }
    )
    settings = loaded.settings
    assert loaded.warnings == []
    assert settings.declarative_config == Path("/kong/kong.yml")
    assert settings.prefix == tmp_path
    assert [listen.port for listen in settings.proxy_listen] == [80, 443]
    assert settings.admin_listen == ()
    assert settings.proxy_access_log == Path("/dev/stdout")
    assert [str(network) for network in settings.trusted_networks] == ["0.0.0.0/0", "::/0"]
    assert (settings.real_ip_header, settings.real_ip_recursive) == ("x-forwarded-for", True)
    assert settings.headers == frozenset()
    assert settings.worker_processes == 2
    assert settings.upstream_keepalive_pool_size == 1024
    assert settings.upstream_keepalive_max_requests == 0
    assert settings.upstream_keepalive_idle_timeout == 30.0
    assert settings.nginx_http_client_max_body_size == 10 * 1024**2
    assert settings.nginx_daemon is False


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("nginx_http_keepalive_timeout", "30s 20s", {"client_idle_timeout": 30.0}),
        ("nginx_http_keepalive_timeout", "0", {"client_idle_timeout": 75.0, "nginx_http_keepalive_requests": 1}),
        ("nginx_http_client_header_timeout", "5", {"client_header_timeout": 5.0}),
        ("nginx_http_large_client_header_buffers", "4 16k", {"max_header_line": 16384, "max_header_size": 65536}),
        ("nginx_events_worker_connections", "auto", {"max_connections": 16384}),
        ("nginx_proxy_real_ip_header", "X-Client", {"real_ip_header": "x-client"}),
        ("nginx_upstream_keepalive", "8", {"upstream_keepalive_pool_size": 8}),
        ("nginx_main_daemon", "off", {"nginx_daemon": False}),
        ("nginx_http_ssl_protocols", "TLSv1.3", {"ssl_protocols": ("TLSv1.3",)}),
    ],
)
def test_an_nginx_directive_with_an_equivalent_sets_it(name: str, text: str, expected: dict[str, Any]) -> None:
    loaded = load({f"KONG_{name.upper()}": text})
    assert {field: getattr(loaded.settings, field) for field in expected} == expected
    assert loaded.warnings == []


def test_the_own_name_of_a_setting_wins_over_its_other_name() -> None:
    assert load({"KONG_NGINX_WORKER_PROCESSES": "2", "KONG_WORKER_PROCESSES": "3"}).settings.worker_processes == 3


def test_any_other_nginx_directive_is_accepted_with_a_warning_each() -> None:
    warnings = load({"KONG_NGINX_HTTP_GZIP": "on", "KONG_NGINX_PROXY_SET_HEADER": "X-A 1"}).warnings
    assert len(warnings) == 2
    assert "KONG_NGINX_HTTP_GZIP: nginx_http_gzip has no effect" in warnings[0]


@pytest.mark.parametrize("text", ["x", "4", "0 8k", "4 8z"])
def test_an_nginx_directive_that_cannot_be_turned_is_refused(text: str) -> None:
    (message,) = problems({"KONG_NGINX_HTTP_LARGE_CLIENT_HEADER_BUFFERS": text})
    assert "expected a number of buffers and their size" in message


def test_a_setting_without_a_meaning_is_accepted_with_one_warning(tmp_path: Path) -> None:
    loaded = load({}, "mem_cache_size = 1g\n", tmp_path)
    assert loaded.warnings == [f"{tmp_path}/gateline.conf:1: mem_cache_size has no effect: There is no such cache."]


def test_settings_of_features_to_come_share_one_warning() -> None:
    loaded = load({"KONG_PG_RO_HOST": "db", "KONG_PLUGINS": "bundled,mine", "KONG_VAULT_AWS_REGION": "x"})
    assert loaded.warnings == ["no effect yet: pg_ro_host, vault_aws_region"]


def test_settings_of_postgresql_without_it_get_a_warning() -> None:
    loaded = load({"KONG_PG_PORT": "5433", "KONG_PG_HOST": "db"})
    assert loaded.warnings == ["pg_host, pg_port have no effect with database = sqlite; set database = postgres"]
    [warning] = load({"KONG_PG_HOST": "db", "KONG_DATABASE": "postgres"}).warnings
    assert "credentials are kept as plain text" in warning


def test_credentials_that_are_not_protected_are_a_warning(tmp_path: Path) -> None:
    for given in ({"credential_storage": "plain"}, {"database": "postgres"}):
        [warning] = load({f"GATELINE_{name.upper()}": value for name, value in given.items()}).warnings
        assert warning.startswith("credentials are kept as plain text: write a key with")
    assert load({"GATELINE_DATABASE": "postgres", "GATELINE_CREDENTIAL_KEYS": str(tmp_path / "key")}).warnings == []


@pytest.mark.parametrize("name", ["pg_host", "mem_cache_size", "anonymous_reports"])
def test_what_has_its_default_needs_no_warning(name: str) -> None:
    text = {"pg_host": "127.0.0.1", "mem_cache_size": "128m", "anonymous_reports": "off"}[name]
    assert load({f"KONG_{name.upper()}": text}).warnings == []


def test_unknown_kong_variables_are_one_warning() -> None:
    loaded = load({"KONG_LICENSE_DATA": "x", "KONG_FOO": "y"})
    assert loaded.warnings == ["unknown variables are ignored: KONG_FOO, KONG_LICENSE_DATA"]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PROXY_SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT_HTTP", "80"),
        ("PORT", "tcp://10.0.0.1:80"),
        ("PROXY_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("PROXY_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ],
)
@pytest.mark.parametrize("prefix", ["KONG_", "GATELINE_"])
def test_variables_that_kubernetes_sets_are_passed_over(prefix: str, variable: str, text: str) -> None:
    assert load({prefix + variable: text}).warnings == []


def test_an_unknown_variable_of_ours_is_an_error_with_the_nearest_name() -> None:
    assert problems({"GATELINE_PROXY_LISTN": "x"}) == [
        "environment variable GATELINE_PROXY_LISTN: proxy_listn is not a setting; did you mean proxy_listen?"
    ]


def test_an_unknown_key_in_a_file_is_an_error_with_file_line_and_nearest_name(tmp_path: Path) -> None:
    assert problems({}, "# x\nlog_levle = debug\n", tmp_path) == [
        f"{tmp_path}/gateline.conf:2: log_levle is not a setting; did you mean log_level?"
    ]


def test_an_unknown_option_is_an_error() -> None:
    assert problems(nonsense_xyzzy="1") == ["command line: nonsense_xyzzy is not a setting"]


def test_a_key_that_is_set_twice_in_a_file_gets_a_warning(tmp_path: Path) -> None:
    loaded = load({}, "log_level = info\nlog_level = warn\n", tmp_path)
    assert loaded.settings.log_level == "warn"
    assert "gateline.conf:2: log_level is set again" in loaded.warnings[0]


def test_every_problem_is_told_at_once_with_place_key_value_and_what_was_expected(tmp_path: Path) -> None:
    messages = problems(
        {"KONG_TRUSTED_IPS": "1.2.3", "GATELINE_HEADERS": "x-no", "KONG_ADMIN_LISTEN": "127.0.0.1:99999"},
        "log_level = loud\nupstream_keepalive_pool_size = many\n",
        tmp_path,
    )
    assert len(messages) == 5
    assert any(
        message == f"{tmp_path}/gateline.conf:1: log_level = 'loud' is not valid; expected one of debug, info, notice, "
        "warn, error, crit, alert, emerg"
        for message in messages
    )
    assert any(
        message.startswith("environment variable KONG_TRUSTED_IPS: trusted_ips = '1.2.3'") for message in messages
    )


def test_a_secret_is_not_in_the_message_about_it(tmp_path: Path) -> None:
    (message,) = problems({"KONG_SSL_CERT_KEY": "my-secret-key"})
    assert "my-secret-key" not in message
    assert "******" in message


@pytest.mark.parametrize(
    ("environ", "key", "expected"),
    [
        ({"KONG_DATABASE": "cassandra"}, "database", "expected postgres, sqlite or off"),
        (
            {"KONG_DATABASE": "postgres", "KONG_DECLARATIVE_CONFIG": "kong.yml"},
            "declarative_config",
            "set database = off to serve it, or put it into the database with `gateline config db_import`",
        ),
        (
            {"KONG_DATABASE": "sqlite", "KONG_DECLARATIVE_CONFIG_STRING": "{}"},
            "declarative_config_string",
            "no declarative configuration with database = sqlite",
        ),
        ({"KONG_PG_SSL_CERT": "/c.pem"}, "pg_ssl_cert", "pg_ssl_cert_key to be set"),
        ({"KONG_ADMIN_TOKEN": "two words"}, "admin_token", "visible ASCII characters"),
        ({"KONG_ROLE": "data_plane"}, "role", "there is no hybrid mode"),
        ({"KONG_SSL_CIPHER_SUITE": "custom"}, "ssl_cipher_suite", "ssl_ciphers to be set"),
        ({"KONG_SSL_CIPHERS": "NO-SUCH-CIPHER"}, "ssl_ciphers", "a list of ciphers that OpenSSL knows"),
        ({"GATELINE_MAX_HEADER_LINE": "64k"}, "max_header_size", "max_header_line"),
        ({"KONG_ADMIN_LISTEN": "0.0.0.0:8000"}, "admin_listen", "0.0.0.0:8000 is in proxy_listen too"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(environ: dict[str, str], key: str, expected: str) -> None:
    (message,) = problems(environ)
    assert key in message
    assert expected in message


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "sqlite"),
        ({"KONG_DECLARATIVE_CONFIG": "kong.yml"}, "off"),
        ({"KONG_DECLARATIVE_CONFIG_STRING": "{}"}, "off"),
        ({"KONG_DATABASE": "off"}, "off"),
        ({"KONG_DATABASE": "postgres"}, "postgres"),
        ({"KONG_DATABASE": "off", "KONG_DECLARATIVE_CONFIG": "kong.yml"}, "off"),
    ],
)
def test_the_database_follows_from_whether_a_file_is_given(environ: dict[str, str], expected: str) -> None:
    assert load(environ).settings.database == expected


def test_the_file_of_sqlite_is_below_the_prefix(tmp_path: Path) -> None:
    assert load({"KONG_PREFIX": "/p"}).settings.sqlite_path == Path("/p/gateline.db")
    assert load({"KONG_PREFIX": "/p", "KONG_SQLITE_PATH": "/data/g.db"}).settings.sqlite_path == Path("/data/g.db")


def test_settings_of_postgresql_are_read() -> None:
    settings = load(
        {
            "KONG_DATABASE": "postgres",
            "KONG_PG_HOST": "db.test",
            "KONG_PG_PORT": "5433",
            "KONG_PG_TIMEOUT": "2500",
            "KONG_PG_SSL": "on",
            "SECRET": "s3cret",
            "KONG_PG_PASSWORD": "{vault://env/secret}",
        }
    ).settings
    assert (settings.pg_host, settings.pg_port, settings.pg_timeout) == ("db.test", 5433, 2500)
    assert (settings.pg_user, settings.pg_database, settings.pg_schema) == ("kong", "kong", None)
    assert (settings.pg_ssl, settings.pg_ssl_verify, settings.pg_password) == (True, False, "s3cret")


@pytest.mark.parametrize("listen", ["0.0.0.0:8001", "[::]:8001 ssl", "admin.test:8001"])
def test_an_admin_api_without_a_token_that_others_can_reach_gets_a_warning(listen: str) -> None:
    (warning,) = load({"KONG_ADMIN_LISTEN": listen}).warnings
    assert "set admin_token" in warning
    assert load({"KONG_ADMIN_LISTEN": listen, "KONG_ADMIN_TOKEN": "t"}).warnings == []


@pytest.mark.parametrize("listen", ["127.0.0.1:8001, [::1]:8001", "localhost:8001", "unix:/run/admin.sock", "off"])
def test_an_admin_api_on_this_machine_alone_needs_no_token(listen: str) -> None:
    assert load({"KONG_ADMIN_LISTEN": listen}).warnings == []


def test_two_declarative_configurations_get_a_warning() -> None:
    loaded = load({"KONG_DECLARATIVE_CONFIG": "a.yml", "KONG_DECLARATIVE_CONFIG_STRING": "{}"})
    assert "the file counts" in loaded.warnings[0]


# ---- values from elsewhere


@pytest.mark.parametrize("prefix", ["KONG_", "GATELINE_"])
def test_a_value_may_be_in_a_file(prefix: str, tmp_path: Path) -> None:
    (tmp_path / "level").write_text("debug\n")
    assert load({f"{prefix}LOG_LEVEL_FILE": str(tmp_path / "level")}).settings.log_level == "debug"


def test_a_value_and_a_file_with_it_exclude_each_other(tmp_path: Path) -> None:
    (message,) = problems({"KONG_LOG_LEVEL_FILE": "/x", "KONG_LOG_LEVEL": "debug"})
    assert message == "environment variable KONG_LOG_LEVEL_FILE and KONG_LOG_LEVEL are both set; expected one of them"


def test_a_file_with_a_value_that_is_not_there_is_named(tmp_path: Path) -> None:
    (message,) = problems({"KONG_LOG_LEVEL_FILE": str(tmp_path / "none")})
    assert message.endswith("/none cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("reference", "environ"),
    [
        ("{vault://env/my-level}", {"MY_LEVEL": "debug"}),
        ("{vault://env/level?prefix=my_}", {"MY_LEVEL": "debug"}),
        ("{vault://env/settings/level}", {"SETTINGS": '{"level": "debug"}'}),
        ("{vault://env/level}", {"KONG_VAULT_ENV_PREFIX": "X_", "X_LEVEL": "debug"}),
    ],
)
def test_a_reference_to_the_environment_is_resolved(reference: str, environ: dict[str, str], tmp_path: Path) -> None:
    assert load(environ, f"log_level = {reference}", tmp_path).settings.log_level == "debug"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("{vault://env/missing}", "the environment variable MISSING to be set"),
        ("{vault://aws/x}", "a reference to the vault env"),
        ("{vault://env}", "a reference such as {vault://env/NAME}"),
        ("{vault://env/home/x}", "the environment variable HOME to hold a JSON object with 'x'"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(reference: str, expected: str) -> None:
    (message,) = problems({"KONG_LOG_LEVEL": reference, "HOME": "/root"})
    assert message.endswith(f"expected {expected}") or expected in message


def test_dollar_names_are_plain_text(tmp_path: Path) -> None:
    assert load({"NAME": "x"}, "node_id = ${NAME}", tmp_path).settings.node_id == "${NAME}"


# ---- paths


def test_logs_are_relative_to_the_prefix_and_files_to_the_start(tmp_path: Path) -> None:
    settings = load(
        {}, "prefix = here\nproxy_access_log = logs/a.log\ndeclarative_config = kong.yml\n", tmp_path
    ).settings
    assert settings.prefix == tmp_path / "here"
    assert settings.proxy_access_log == tmp_path / "here/logs/a.log"
    assert settings.declarative_config == tmp_path / "kong.yml"
    assert settings.pid_file == tmp_path / "here/pids/gateline.pid"


@pytest.mark.parametrize(
    ("text", "path", "form", "warned"),
    [
        ("off", None, "text", False),
        ("/dev/stdout json", Path("/dev/stdout"), "json", False),
        ("/dev/stdout combined", Path("/dev/stdout"), "text", False),
        ("/dev/stdout mine", Path("/dev/stdout"), "text", True),
    ],
)
def test_the_access_log_may_name_the_form_of_its_lines(text: str, path: Path | None, form: str, warned: bool) -> None:
    loaded = load({"KONG_PROXY_ACCESS_LOG": text})
    assert (loaded.settings.proxy_access_log, loaded.settings.access_log_format) == (path, form)
    assert bool(loaded.warnings) is warned


def test_the_default_prefix_of_a_user_is_below_the_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert default_prefix({"XDG_STATE_HOME": "/state"}) == Path("/state/gateline")
    assert default_prefix({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/gateline"


def test_the_default_prefix_of_root_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_prefix({}) == Path("/usr/local/gateline")


def test_a_conf_file_is_looked_for_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("log_level = debug")
    (tmp_path / "c").write_text("log_level = info")
    loaded = load_settings(None, {}, {}, search=[tmp_path / "a", tmp_path / "b", tmp_path / "c"])
    assert loaded.settings.log_level == "debug"
    assert loaded.conf == tmp_path / "b"


def test_the_prefix_is_found_in_spite_of_other_errors(tmp_path: Path) -> None:
    conf = tmp_path / "x.conf"
    conf.write_text("prefix = node\nnonsense_xyzzy = 1\n")
    assert find_prefix(SettingsSource(conf, {}, {}, tmp_path)) == tmp_path / "node"
    assert find_prefix(SettingsSource(conf, {"GATELINE_PREFIX": "/x"}, {}, tmp_path)) == Path("/x")


def test_the_prefix_is_not_guessed_when_the_named_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no file at"):
        find_prefix(SettingsSource(tmp_path / "none.conf", {}, {}, tmp_path))


@pytest.mark.parametrize(("text", "good"), [("<b>%s</b> %s", True), ("no place", False), ("%s", False), (None, False)])
def test_an_error_template_is_a_file_with_two_places(text: str | None, good: bool, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "error.html").write_text(text)
    if good:
        settings = load({"KONG_ERROR_TEMPLATE_HTML": "error.html"}, None, tmp_path).settings
        assert settings.error_template_html == tmp_path / "error.html"
    else:
        (message,) = problems({"KONG_ERROR_TEMPLATE_HTML": "error.html"}, None, tmp_path)
        assert message.endswith("expected a text file that can be read and holds %s twice")


# ---- certificates

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def test_a_certificate_is_a_path_or_text_or_base64_of_it(tmp_path: Path) -> None:
    import base64

    from gateline.settings import read_pem

    (tmp_path / "cert.pem").write_text(PEM)
    encoded = base64.b64encode(PEM.encode()).decode()
    settings = load(
        {"KONG_SSL_CERT": f"cert.pem,{encoded}", "KONG_SSL_CERT_KEY": f"{PEM},cert.pem"}, None, tmp_path
    ).settings
    assert settings.ssl_cert == (str(tmp_path / "cert.pem"), PEM)
    assert [read_pem(one) for one in settings.ssl_cert] == [PEM.encode()] * 2


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    (message,) = problems({"KONG_SSL_CERT": PEM})
    assert "as many entries in ssl_cert as in ssl_cert_key" in message


def test_a_certificate_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (message,) = problems({"KONG_SSL_CERT": "/none.pem"})
    assert "expected the path of a file that exists" in message


@pytest.mark.parametrize(
    ("environ", "protocols", "prefer"),
    [
        ({}, ("TLSv1.2", "TLSv1.3"), False),
        ({"KONG_SSL_CIPHER_SUITE": "modern"}, ("TLSv1.3",), False),
        ({"KONG_SSL_CIPHER_SUITE": "old"}, ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"), True),
        ({"KONG_SSL_CIPHER_SUITE": "old", "KONG_SSL_PROTOCOLS": "TLSv1.3"}, ("TLSv1.3",), True),
        ({"KONG_SSL_PREFER_SERVER_CIPHERS": "on"}, ("TLSv1.2", "TLSv1.3"), True),
    ],
)
def test_a_cipher_suite_stands_for_what_is_not_set(
    environ: dict[str, str], protocols: tuple[str, ...], prefer: bool
) -> None:
    settings = load(environ).settings
    assert (settings.ssl_protocols, settings.ssl_prefer_server_ciphers) == (protocols, prefer)


def test_the_ciphers_of_every_suite_are_known_to_openssl() -> None:
    for suite in SUITES.values():
        if suite.ciphers is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(suite.ciphers)


# ---- the object


def test_settings_survive_their_plain_form_and_pickling(tmp_path: Path) -> None:
    settings = load(
        {
            "KONG_PROXY_LISTEN": "127.0.0.1:0 ssl, unix:/x",
            "KONG_STATUS_LISTEN": "off",
            "KONG_PORT_MAPS": "80:8000",
            "KONG_PROXY_ACCESS_LOG": "off",
            "KONG_TRUSTED_IPS": "10.0.0.0/8",
            "KONG_HEADERS": "via",
            "KONG_PG_PASSWORD": "secret",
            "KONG_PG_SSL_CERT": "c.pem",
            "KONG_PG_SSL_CERT_KEY": "k.pem",
            "KONG_ADMIN_TOKEN": "secret",
        }
    ).settings
    assert Settings.from_dict(settings.to_dict()) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_secrets_are_masked() -> None:
    settings = load(
        {
            "KONG_PG_PASSWORD": "secret-1",
            "KONG_DECLARATIVE_CONFIG_STRING": "secret-2",
            "KONG_VAULT_X_TOKEN": "secret-3",
            "KONG_ADMIN_TOKEN": "secret-4",
        }
    ).settings
    masked = settings.masked()
    assert masked["pg_password"] == masked["declarative_config_string"] == masked["vault_x_token"] == "******"
    assert masked["admin_token"] == "******"
    assert "secret-" not in repr(masked)
    assert masked["database"] == "off"
    assert masked["proxy_listen"][0] == "0.0.0.0:8000 reuseport backlog=16384"


def test_defaults_can_be_changed_for_a_test() -> None:
    assert default_settings(worker_processes=7).worker_processes == 7


def test_a_source_can_be_loaded_again_in_another_process(tmp_path: Path) -> None:
    conf = tmp_path / "x.conf"
    conf.write_text("log_level = info")
    source = pickle.loads(pickle.dumps(SettingsSource(Path("x.conf"), {"KONG_HEADERS": "off"}, {}, tmp_path)))
    assert source.load().settings.log_level == "info"
    conf.write_text("log_level = warn")
    assert source.load().settings.log_level == "warn"
