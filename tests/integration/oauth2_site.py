"""A site with oauth2 on a running node: its applications, its login page, and a service behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests

from harness.certificates import self_signed
from integration.nodes import Node, Upstream, config, service

__all__ = ["CALLBACK", "PAGE", "Site", "site"]

CALLBACK = "https://app.test/cb"
PAGE = "https://login.test/authorize"
"""Where applications send users."""

_PLUGIN = {
    "name": "oauth2",
    "config": {
        "enable_authorization_code": True,
        "enable_implicit_grant": True,
        "enable_client_credentials": True,
        "enable_password_grant": True,
        "enable_introspection": True,
        "enable_revocation": True,
        "provision_key": "pk",
        "scopes": ["email", "profile"],
    },
}
_APPLICATIONS: list[dict[str, Any]] = [
    {"name": "App", "client_id": "app", "client_secret": "s+cret", "redirect_uris": [CALLBACK]},
    {"name": "Hashed", "client_id": "hashed", "client_secret": "sec", "hash_secret": True, "redirect_uris": [CALLBACK]},
    {"name": "Page", "client_id": "spa", "client_type": "public", "redirect_uris": [CALLBACK]},
]


class Site(NamedTuple):
    """`authority` is the file with the certificate to be trusted."""

    node: Node
    authority: str

    @property
    def url(self) -> str:
        """The API."""
        return f"https://localhost:{self.node.port}/api"

    @property
    def token_url(self) -> str:
        """The endpoint for tokens."""
        return f"{self.url}/oauth2/token"

    def allowed(self, url: str) -> str:
        """The user has logged in at the page that an application named, and allowed it: where the browser goes."""
        assert url.startswith(PAGE)
        asked = dict(parse_qsl(urlsplit(url).query))
        said = {"provision_key": "pk", "authenticated_userid": "user-7"}
        answer = requests.post(
            f"{self.url}/oauth2/authorize", data={**asked, **said}, verify=self.authority, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["redirect_uri"])

    def status(self, token: str) -> int:
        """What a request with a token gets."""
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(self.url, headers=headers, verify=self.authority, timeout=30).status_code


@contextmanager
def site(folder: Path, database: str, **settings: str) -> Iterator[Site]:
    """A site that runs; with database `off` it is declared, else written through the Admin API."""
    certificate, key = self_signed(folder, "localhost")
    listen = {"proxy_listen": "127.0.0.1:0 ssl", "ssl_cert": certificate, "ssl_cert_key": key}
    node = Node(folder / "node", database=database, **listen, **settings)
    with Upstream() as upstream, node:
        made = service("s", upstream.port, "/api", plugins=[_PLUGIN])
        if database == "off":
            bob = {"username": "bob", "oauth2_credentials": _APPLICATIONS}
            node.configure({**config(made), "consumers": [bob]})
        else:
            _write(node, made)
        yield Site(node, certificate)


def _write(node: Node, made: dict[str, Any]) -> None:
    routes, plugins = made.pop("routes"), made.pop("plugins")
    written = [("/services", made), *(("/services/s/routes", route) for route in routes)]
    written += [("/services/s/plugins", plugin) for plugin in plugins]
    written += [("/consumers", {"username": "bob"})]
    written += [("/consumers/bob/oauth2", application) for application in _APPLICATIONS]
    for path, entity in written:
        status, answer = node.admin("POST", path, entity)
        assert status == 201, answer
