"""The `gateline` command: a module for each group of commands.

This module is light: what a command needs is imported when it runs.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with its code. Called as `kong` (a link of that name), it behaves like Kong's."""
    from gateline.cli.app import run

    sys.exit(run(sys.argv))


__all__ = ["main"]
