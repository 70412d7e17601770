"""Benchmarks: Gateline beside nginx, Envoy, Traefik and Caddy with equal work, in one interleaved run.

`python -m benchmarks` measures the cost of a proxied request; `python -m benchmarks.soak` holds the acceptance bars
(reloads, killed workers, large bodies, large configurations, idle memory). Both start everything they need on loopback
ports, end it by its own pid, and write what they found under `docs/`.
"""
