"""`config`: declarative configuration files without a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateline.cli import database
from gateline.cli.options import ConfOnly, Debug, Verbose, source_of
from gateline.cli.output import Failure, say
from gateline.cli.start import load

config = typer.Typer(help="Declarative configuration files.", no_args_is_help=True)

SAMPLE = """\
# Declarative configuration of the gateway.
#
#   gateline config parse kong.yml     checks it
#   gateline start -c kong.yml         serves it
#   gateline reload                    takes a changed file, without losing a request

_format_version: "3.0"
_transform: true

# A service is an API that the gateway stands in front of; a route says which requests go to it. Whatever is
# left out has a default.
#
# services:
# - name: example
#   url: http://127.0.0.1:9000/base
#   connect_timeout: 60000            # milliseconds
#   routes:
#   - name: example-route
#     hosts: [api.example.test]
#     paths: [/v1, "~/items/(?<id>[0-9]+)$"]
#     methods: [GET, POST]
#     strip_path: true
"""


@config.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("kong.yml"),
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Write a sample of a declarative configuration."""
    del v, vv
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(SAMPLE)
    except FileExistsError:
        raise Failure(f"{file} already exists. Will not overwrite it.") from None
    except OSError as error:
        raise Failure(f"{file}: cannot be written: {error.strerror}") from None


@config.command()
def parse(
    file: Annotated[Path, typer.Argument(help="A file, or a directory of files.", show_default=False)],
    conf: ConfOnly = None,
    v: Verbose = False,
    vv: Debug = False,
) -> None:
    """Check a declarative configuration and say everything that is wrong with it."""
    settings = load(source_of(None, conf, None), verbose=v or vv).settings
    from gateline import declarative

    declarative.load_path(file, environ=os.environ, router_flavor=settings.router_flavor)
    say("parse successful")


config.command("db_import")(database.db_import)
config.command("db_export")(database.db_export)
