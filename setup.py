"""Builds what is compiled, where a C compiler is; without one the same code runs as Python.

Compiled are the HTTP/1 codec (`_codec.pyx`, whose twin is `_pycodec.py`), the table of counters (`_table.pyx`, whose
twin is `lmdb_table.py`) and the modules on the path of a request. Those are plain Python; the `.pxd` file beside each
tells the compiler the types of its attributes (see docs/decisions/0007-compiled-path.md).
"""

import os
from pathlib import Path

from setuptools import Extension, setup

PACKAGE = Path("src/gateline")
PROCESSORS = os.cpu_count() or 1
MODULES = (
    "control/health/_sockets.pyx",
    "control/health/active.py",
    "control/health/counting.py",
    "control/health/probes.py",
    "control/health/rounds.py",
    "control/health/wheel.py",
    "engine/chain.py",
    "engine/credentials.py",
    "engine/door.py",
    "engine/edits.py",
    "engine/exchange.py",
    "engine/headers.py",
    "engine/identification.py",
    "engine/peer.py",
    "engine/phases.py",
    "engine/plugin_run.py",
    "engine/proxy.py",
    "engine/request_id.py",
    "engine/router/index.py",
    "engine/router/interface.py",
    "engine/router/matcher.py",
    "engine/runtime.py",
    "engine/streams.py",
    "engine/upstream/balancer.py",
    "engine/upstream/consistent_hashing.py",
    "engine/upstream/least_connections.py",
    "engine/upstream/load.py",
    "engine/upstream/observing.py",
    "engine/upstream/places.py",
    "engine/upstream/pool.py",
    "engine/upstream/round_robin.py",
    "engine/upstream/sampling.py",
    "engine/upstream/watch.py",
    "engine/views/account.py",
    "engine/views/client.py",
    "engine/views/request.py",
    "engine/views/response.py",
    "engine/views/service_request.py",
    "engine/wire/_codec.pyx",
    "engine/wire/http1.py",
    "engine/wire/http1_upstream.py",
    "engine/wire/status_lines.py",
    "pdk/authentication.py",
    "pdk/generational_cache.py",
    "pdk/header_changes.py",
    "pdk/jose/algorithms.py",
    "pdk/jose/keys.py",
    "pdk/jose/tokens.py",
    "pdk/memory.py",
    "pdk/redis/clock.py",
    "pdk/shelf.py",
    "pdk/stored_response.py",
    "plugins/acl.py",
    "plugins/basic_auth.py",
    "plugins/bot_detection/plugin.py",
    "plugins/correlation_id.py",
    "plugins/cors.py",
    "plugins/hmac_auth/plugin.py",
    "plugins/hmac_auth/signature.py",
    "plugins/hmac_auth/verifying.py",
    "plugins/ip_restriction.py",
    "plugins/jwt/admission.py",
    "plugins/jwt/claims.py",
    "plugins/jwt/finding.py",
    "plugins/jwt/judging.py",
    "plugins/jwt/plugin.py",
    "plugins/jwt/verified.py",
    "plugins/key_auth/check.py",
    "plugins/limits/leases/at_hand.py",
    "plugins/limits/leases/flow.py",
    "plugins/limits/leases/lease.py",
    "plugins/limits/leases/slot.py",
    "plugins/limits/node_budget.py",
    "plugins/limits/node_limit.py",
    "plugins/limits/subjects.py",
    "plugins/limits/telling.py",
    "plugins/limits/windows.py",
    "plugins/oauth2/bearer.py",
    "plugins/oauth2/plugin.py",
    "plugins/prometheus/counting.py",
    "plugins/proxy_cache/entries.py",
    "plugins/proxy_cache/hits.py",
    "plugins/proxy_cache/keys.py",
    "plugins/proxy_cache/plugin.py",
    "plugins/proxy_cache/telling.py",
    "plugins/rate_limiting_advanced/plan.py",
    "plugins/rate_limiting_advanced/plugin.py",
    "plugins/request_concurrency/plugin.py",
    "plugins/request_size_limiting.py",
    "plugins/request_transformer/headers.py",
    "plugins/request_transformer/plugin.py",
    "plugins/response_transformer/headers.py",
    "plugins/response_transformer/plugin.py",
    "sharedstate/_table.pyx",
    "sharedstate/counters.py",
    "sharedstate/directory.py",
    "sharedstate/quotas.py",
    "sharedstate/recent.py",
    "sharedstate/shelf.py",
    "sharedstate/shelf_bodies.py",
    "sharedstate/slots.py",
    "sharedstate/versions.py",
    "sharedstate/windows.py",
    "telemetry/registry.py",
)


def extensions() -> list[Extension]:
    """The compiled modules; `optional` lets an installation go on when they cannot be built."""
    if os.environ.get("GATELINE_PURE_PYTHON"):
        return []
    from Cython.Build import cythonize

    modules = [
        Extension(
            "gateline." + module.partition(".")[0].replace("/", "."),
            [str(PACKAGE / module)],
            extra_compile_args=["-O2", "-g0"],
            optional=True,
        )
        for module in MODULES
    ]
    built = cythonize(
        modules,
        build_dir="build/cython",
        include_path=["src"],
        language_level=3,
        compiler_directives={"annotation_typing": False, "embedsignature": False},
        quiet=True,
        nthreads=PROCESSORS,
    )
    for extension in built:
        extension.optional = True
    return list(built)


setup(ext_modules=extensions(), options={"build_ext": {"parallel": PROCESSORS}})
