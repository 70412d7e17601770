"""Gateline's version, and the Kong version whose interface it speaks."""

__version__ = "0.1.0"

KONG_VERSION = "3.9.3"
"""Reported where Kong's tools look for a version (`GET /`, `Server`, `Via`)."""
