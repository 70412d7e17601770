"""Supervisor, control process and the channel to the workers: what keeps a node running and configured."""
