"""Targets with weights 100, 50 and 10 behind two workers have their shares of 100,000 requests, each within one per
cent of its own.
"""

from benchmarks.soak.bad_targets import one_upstream, opened, put
from benchmarks.soak.client import LoadClient
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

WORKERS = 2
WEIGHTS = (100, 50, 10)
REQUESTS = 100_000
CONNECTIONS = 64
LIMIT = 600.0  # seconds that the requests may take
DEVIATION = 0.01


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("distribution")
    async with opened(len(WEIGHTS)) as targets:
        with gateway(workers=WORKERS) as running:
            configuration = one_upstream(targets, {}, {})
            for target, weight in zip(configuration["upstreams"][0]["targets"], WEIGHTS, strict=True):
                target["weight"] = weight
            await put(running, configuration)
            async with LoadClient(running.address, CONNECTIONS, renewing=CONNECTIONS) as load:
                await load.answers(REQUESTS, LIMIT)
    served = [target.served for target in targets]
    verdict.number("requests", f"{sum(served):,}")
    verdict.hold("no client sees an error", not load.tally.failures, load.tally.kinds())
    for count, weight in zip(served, WEIGHTS, strict=True):
        fair = sum(served) * weight / sum(WEIGHTS)
        found = f"{count:,} of {fair:,.0f}"
        verdict.hold(
            f"weight {weight}: within {DEVIATION:.0%} of its share", abs(count - fair) <= DEVIATION * fair, found
        )
    return verdict
