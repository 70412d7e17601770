"""Plugins that were written for Kong's Python plugin server, unchanged. See docs/plugins/kong-python-plugins.md."""
