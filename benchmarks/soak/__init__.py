"""Acceptance checks that take longer than a test may: each starts a gateway, does something unkind to it under load,
and gives a verdict. `python -m benchmarks.soak` lists and runs them.
"""
