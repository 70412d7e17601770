"""Kong plugin files for the tests: written into a folder, found there, put behind the harness."""

import textwrap
from pathlib import Path
from typing import Any

from gateline.pdk.discovery import Plugins
from gateline.pdk.plugin import Plugin
from gateline.testing import Answer, Harness

__all__ = ["HELLO", "answer_of", "loaded", "seen"]

HELLO = """
    #!/usr/bin/env python3
    import os
    import kong_pdk.pdk.kong as kong

    Schema = ({"message": {"type": "string"}},)
    version = "0.1.0"
    priority = 7

    class Plugin(object):
        def __init__(self, config):
            self.config = config

        def access(self, kong: kong.kong):
            host, err = kong.request.get_header("host")
            if err:
                pass
            message = "hello"
            if "message" in self.config:
                message = self.config["message"]
            kong.response.set_header("x-hello-from-python", "Python says %s to %s" % (message, host))
            kong.response.set_header("x-python-pid", str(os.getpid()))

    if __name__ == "__main__":
        from kong_pdk.cli import start_dedicated_server
        start_dedicated_server("py-hello", Plugin, version, priority, Schema)
"""
"""The example of Kong's kit, from what is documented of it."""


def loaded(folder: Path, source: str, name: str = "py-test") -> type[Plugin[Any]]:
    """The plugin of a file."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    plugin = Plugins([name], [folder]).load(name)
    assert plugin is not None
    return plugin


def answer_of(
    folder: Path, source: str, config: Any = None, *, harness: dict[str, Any] | None = None, **request: Any
) -> Answer:
    """The answer to one request through a plugin."""
    with Harness((loaded(folder, source), config or {}), **(harness or {})) as gateway:
        return gateway.request(**request)


def seen(
    folder: Path, expression: str, phase: str = "access", *, harness: dict[str, Any] | None = None, **request: Any
) -> Any:
    """What an expression of `kong` gives inside of a hook; functions return pairs."""
    source = f"""
        out = []

        class Plugin:
            def __init__(self, config):
                pass

            def {phase}(self, kong):
                value = {expression}
                out.append(value)

        gateline_lua_style = True
    """
    plugin = loaded(folder, source)
    with Harness(plugin, **(harness or {})) as gateway:
        gateway.request(**request)
    out = plugin.kong_class.__init__.__globals__["out"]  # type: ignore[attr-defined]
    assert len(out) == 1, "the hook has failed"
    return out[0]
