"""What the operator lets configurations do: settings that the validation of a plugin's configuration asks for.

Every process that validates says it once, when it loads plugins; what nobody has said is not allowed. (At run time a
plugin asks its node: `Node.setting`.)
"""

__all__ = ["allow", "untrusted_python"]

_allowed = {"untrusted_python": False}


def allow(*, untrusted_python: bool) -> None:
    """Say what is allowed from now on."""
    _allowed["untrusted_python"] = untrusted_python


def untrusted_python() -> bool:
    """Whether Python code in a configuration is run (the setting `untrusted_python`)."""
    return _allowed["untrusted_python"]
