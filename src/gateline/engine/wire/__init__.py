"""Bytes to exchanges and back: the one place that knows a protocol's bytes. Nothing above this package may."""
