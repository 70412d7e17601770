"""pre-function and post-function: Python code in the configuration, run before or after all other plugins.

Each phase has a list of codes. A code that ends with a function, or that returns one, has that function called with the
exchange; any other is itself run for each exchange, with the name `exchange`. It may return a `Response`. Nothing
confines the code, so it is refused unless the operator sets `untrusted_python = on`.
"""

from gateline.plugins.serverless.plugin import PostFunction, PreFunction

__all__ = ["PostFunction", "PreFunction"]
