"""The files of a new plugin: by their place below its directory, with their text."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

__all__ = ["module_of", "package", "single_file"]


def module_of(name: str) -> str:
    """The Python module of a plugin."""
    return name.replace("-", "_")


def package(name: str) -> Mapping[str, str]:
    """A plugin in a package of its own, which pip can install."""
    module = module_of(name)
    return {
        "pyproject.toml": _filled(_PYPROJECT, name),
        f"src/{module}/__init__.py": _filled(_PLUGIN, name),
        f"tests/test_{module}.py": _filled(_TEST, name, folder="src"),
    }


def single_file(name: str) -> Mapping[str, str]:
    """A plugin that is a file of a plugin folder."""
    module = module_of(name)
    return {
        f"{module}.py": _filled(_PLUGIN, name),
        f"tests/test_{module}.py": _filled(_TEST, name, folder=""),
    }


def _filled(text: str, name: str, *, folder: str = "") -> str:
    class_name = "".join(part.capitalize() for part in name.split("-"))
    place = f'Path(__file__).parents[1] / "{folder}"' if folder else "Path(__file__).parents[1]"
    return Template(text).substitute(name=name, module=module_of(name), class_name=class_name, place=place)


_PLUGIN = '''\
"""$name: greets clients in a header, and tells the service what the greeting was.

Replace this by what your plugin does; the guide is docs/plugins/writing.md of Gateline.
"""

from typing import Annotated

from gateline.pdk import Exchange, Plugin, PluginConfig, Response
from gateline.pdk.fields import Field, HeaderName, MinLength


class Config(PluginConfig):
    """What is written under `config` of the plugin."""

    header_name: Annotated[HeaderName, Field(description="The header of the greeting.")] = "X-Greeting"
    greeting: Annotated[str, MinLength(1), Field(description="What is said.")] = "hello"
    refused: Annotated[str | None, Field(description="A client of this User-Agent is refused.")] = None


class $class_name(Plugin[Config], name="$name", priority=1000, version="0.1.0"):
    """One instance for each plugin that is configured."""

    def __init__(self, config: Config) -> None:
        """Compute here what does not depend on the request."""
        self._refusal = Response(403, message=f"no {config.greeting} for you")

    def access(self, exchange: Exchange) -> Response | None:
        """Before the service is asked: what is returned is the answer."""
        if self.config.refused is not None and exchange.request.header("User-Agent") == self.config.refused:
            return self._refusal
        exchange.service_request.set_header(self.config.header_name, self.config.greeting)
        return None

    def header_filter(self, exchange: Exchange) -> None:
        """Before the head of the answer is sent."""
        exchange.response.set_header(self.config.header_name, self.config.greeting)
'''

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
description = "A plugin for Gateline."
requires-python = ">=3.11"
dependencies = ["gateline"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points."gateline.plugins"]
$name = "$module:$class_name"

[tool.setuptools.packages.find]
where = ["src"]
"""

_TEST = '''\
"""What clients and the service get with the plugin $name."""

from pathlib import Path

from gateline.testing import Harness, plugin_from

PLUGIN = plugin_from($place, "$name")


def test_the_client_and_the_service_are_greeted() -> None:
    with Harness((PLUGIN, {"greeting": "good morning"})) as gateway:
        answer = gateway.request("GET", "/anything")
    assert answer.status == 200
    assert answer.header("X-Greeting") == "good morning"
    assert answer.sent is not None
    assert answer.sent.header("X-Greeting") == "good morning"


def test_an_unwanted_client_is_refused() -> None:
    with Harness((PLUGIN, {"refused": "intruder/1.0"})) as gateway:
        answer = gateway.request(headers={"User-Agent": "intruder/1.0"})
    assert answer.status == 403
    assert answer.json() == {"message": "no hello for you"}
    assert answer.sent is None
'''
