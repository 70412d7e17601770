"""Gateline: an API gateway for teams that write Python."""
