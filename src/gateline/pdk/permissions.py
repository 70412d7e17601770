"""What the operator lets configurations do: settings that the validation of a plugin's configuration asks for.

Every process that validates says it once, when it loads plugins; what nobody has said is not allowed. (At run time a
plugin asks its node: `Node.setting`.)
"""

__all__ = ["allow", "database", "untrusted_python"]

_allowed = {"database": False, "untrusted_python": False}


def allow(*, untrusted_python: bool, database: bool = False) -> None:
    """Say what is allowed from now on."""
    _allowed["database"] = database
    _allowed["untrusted_python"] = untrusted_python


def database() -> bool:
    """Whether there is a database that plugins may use (the setting `database`)."""
    return _allowed["database"]


def untrusted_python() -> bool:
    """Whether Python code in a configuration is run (the setting `untrusted_python`)."""
    return _allowed["untrusted_python"]
