"""`validate`, `dump`, `diff` and `apply`: a declarative configuration and what a node has stored."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateline.cli import documents
from gateline.cli.admin_client import AdminClient, Answer
from gateline.cli.options import ConfOnly, Debug, Prefix, Verbose, source_of
from gateline.cli.output import Failure, say
from gateline.cli.start import load
from gateline.settings import SettingsError, find_prefix

if TYPE_CHECKING:
    from gateline.entities import Snapshot

DIFFERENT = 2
"""Exit code of `diff` when there are differences."""

File = Annotated[
    Path,
    typer.Option(
        "--file", "-f", metavar="FILE", help="Declarative configuration: a file, or a directory.", show_default=False
    ),
]
SelectTag = Annotated[
    list[str] | None,
    typer.Option(
        "--select-tag",
        metavar="TAG",
        help="Only entities that have this tag; may be given several times: they have all of them.",
        show_default=False,
    ),
]
AdminUrl = Annotated[
    str | None,
    typer.Option(
        "--admin-url",
        metavar="URL",
        help="Admin API: `http://host:port`, `https://...`, `unix:/path`. Default: that of the node of the prefix.",
        show_default=False,
    ),
]
AdminToken = Annotated[
    str | None,
    typer.Option(
        "--admin-token", metavar="TOKEN", help="Its token. Default: the setting `admin_token`.", show_default=False
    ),
]
CaCert = Annotated[
    Path | None,
    typer.Option(
        "--ca-cert", metavar="FILE", help="Certificate authority of the Admin API's certificate.", show_default=False
    ),
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Take any certificate of the Admin API.")]
Json = Annotated[bool, typer.Option("--json", help="Print the difference as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def validate(file: File, conf: ConfOnly = None, v: Verbose = False, vv: Debug = False) -> None:
    """Check a declarative configuration without a node, and say everything that is wrong with it."""
    settings = load(source_of(None, conf, None), verbose=v or vv).settings
    snapshot = documents.loaded(file, settings.router_flavor)
    if problems := _unroutable(snapshot, settings.router_flavor):
        raise Failure(*problems)
    from gateline.entities import kinds

    counts = ", ".join(f"{len(found)} {kind}" for kind in kinds() if (found := snapshot.kind(kind)))
    say(f"{file} is valid: {counts or 'it says nothing'}")


def dump(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: standard output."),
    ] = None,
    select_tag: SelectTag = None,
    admin_url: AdminUrl = None,
    admin_token: AdminToken = None,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a file that exists.")] = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Write what a node has stored as a declarative configuration."""
    del v, vv
    node = _node(admin_url, admin_token, ca_cert, insecure, conf, prefix)
    if output is not None and output.exists() and not yes:
        raise Failure(f"{output} already exists; --yes replaces it")
    answer = node.ask("GET", "/config" + _query(select_tag), headers={"Accept": "application/yaml"})
    if answer.status != 200:
        raise _refused(answer)
    if output is None:
        sys.stdout.write(answer.body.decode())
        sys.stdout.flush()
        return
    try:
        output.write_bytes(answer.body)
    except OSError as error:
        raise Failure(f"{output}: cannot be written: {error.strerror}") from None


def diff(
    file: File,
    select_tag: SelectTag = None,
    as_json: Json = False,
    admin_url: AdminUrl = None,
    admin_token: AdminToken = None,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Show what `apply` would change. Exits with 0 when that is nothing, with 2 when there is something."""
    del v, vv
    node = _node(admin_url, admin_token, ca_cert, insecure, conf, prefix)
    found = _put(node, file, select_tag, dry_run=True).json()
    _show(found, as_json=as_json, done=False)
    if found["difference"]:
        raise typer.Exit(DIFFERENT)


def apply(
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, only show the difference.")] = False,
    select_tag: SelectTag = None,
    as_json: Json = False,
    yes: Yes = False,
    admin_url: AdminUrl = None,
    admin_token: AdminToken = None,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    conf: ConfOnly = None,
    prefix: Prefix = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Put a declarative configuration in the place of what a node has stored, all or nothing, and show what changes.

    On a terminal it asks before it changes anything.
    """
    del v, vv
    node = _node(admin_url, admin_token, ca_cert, insecure, conf, prefix)
    if not dry_run and (yes or not sys.stdin.isatty() or not sys.stdout.isatty()):
        _show(_put(node, file, select_tag).json(), as_json=as_json, done=True)
        return
    answer = _put(node, file, select_tag, dry_run=True)
    found = answer.json()
    _show(found, as_json=as_json, done=False)
    if dry_run or not found["difference"]:
        return
    if not typer.confirm("Apply?"):
        raise Failure("nothing was changed")
    _put(node, file, select_tag, match=answer.headers.get("etag"))
    from gateline.cli import differences

    say(f"Applied: {differences.counts(found, done=True)}")


def _node(
    url: str | None,
    token: str | None,
    ca: Path | None,
    insecure: bool,
    conf: Path | None,
    prefix: Path | None,
) -> AdminClient:
    """The node to talk to. Raises `Failure` when none is named and none runs."""
    source = source_of(None, conf, prefix)
    if token is None:
        try:
            token = source.load().settings.admin_token
        except SettingsError:
            if url is None:  # a node elsewhere needs no settings that are right here
                raise
    if url is None:
        url, own = _running(find_prefix(source))
        ca = ca or own
    return AdminClient(url, token=token, ca=ca, insecure=insecure)


def _running(place: Path) -> tuple[str, Path | None]:
    """The Admin API of the node that runs in a prefix, and the certificate that it made for itself, if it has one."""
    from gateline.control import state
    from gateline.control.prefix import running_pid

    node = state.read(place)
    if running_pid(place) is None or node is None:
        raise Failure(f"Kong is not running at {place}; name a node with --admin-url")
    if not node.admin_listen:
        raise Failure(f"the node at {place} has no Admin API (admin_listen = off)")
    url = min(node.admin_listen, key=lambda url: url.startswith("https://"))
    own = place / "ssl" / "admin-gateline-default.crt"
    return url, own if url.startswith("https://") and own.exists() else None


def _flavor(node: AdminClient) -> str:
    """The router flavour of a node, which says what routes look like."""
    answer = node.ask("GET", "/")
    if answer.status != 200:
        raise _refused(answer)
    return str(answer.json().get("configuration", {}).get("router_flavor", "traditional_compatible"))


def _unroutable(snapshot: Snapshot, flavor: str) -> list[str]:
    """A sentence for each route that the router cannot compile."""
    from gateline.control.checking import refuse_unroutable
    from gateline.entities import EntityError

    problems: list[str] = []
    for route in snapshot.routes.values():
        try:
            refuse_unroutable([route], flavor)
        except EntityError as error:
            problems += [
                f"routes '{route.name or route.id}' > {name}: {why}" for name, why in (error.fields or {}).items()
            ]
    return problems


def _put(
    node: AdminClient, file: Path, tags: list[str] | None, *, dry_run: bool = False, match: str | None = None
) -> Answer:
    """Send the configuration of a file. Raises `Failure`, or DeclarativeError with the lines of the file."""
    document = documents.as_json(file, lambda: _flavor(node))
    headers = {"Content-Type": "application/json"} | ({"If-Match": match} if match else {})
    answer = node.ask("PUT", "/config" + _query(tags, **({"dry_run": "1"} if dry_run else {})), document, headers)
    if answer.status == 412:
        raise Failure("somebody else changed the configuration meanwhile; nothing was changed, so apply again")
    if answer.status == 400:
        documents.loaded(file, _flavor(node))  # says where the mistake is, if it is one of the file
    if answer.status != 200:
        raise _refused(answer)
    return answer


def _query(tags: list[str] | None, **others: str) -> str:
    from urllib.parse import urlencode

    given = {**({"select_tags": ",".join(tags)} if tags else {}), **others}
    return f"?{urlencode(given)}" if given else ""


def _show(found: dict[str, Any], *, as_json: bool, done: bool) -> None:
    if as_json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from gateline.cli import differences

    differences.show(found)
    if not found["difference"]:
        say("Nothing to change")
    elif done:
        say(f"Applied: {differences.counts(found, done=True)}")
    else:
        say(differences.counts(found, done=False))


def _refused(answer: Answer) -> Failure:
    """What the Admin API says, for a person."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    if answer.status == 413:
        return Failure("the configuration is too large for the node: raise nginx_admin_client_max_body_size there")
    message = body.get("message") if isinstance(body, dict) else None
    return Failure(str(message or f"the Admin API answered {answer.status}"))
