"""`python -m gateline` is the `gateline` command."""

from gateline.cli import main

main()
