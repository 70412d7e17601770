"""Names to addresses: a stub resolver on the loop (decision 0022).

`message` knows the bytes, `servers` asks name servers, `files` reads what the system says, `lookup` finds what a name
leads to, `resolver` remembers it. Nothing outside needs more than is named here.
"""

from gateline.engine.upstream.dns.answer import Answer, Endpoint, NameResolutionError, NotFoundError
from gateline.engine.upstream.dns.files import is_address
from gateline.engine.upstream.dns.options import Options, options_of
from gateline.engine.upstream.dns.resolver import Resolver, Subscription

__all__ = [
    "Answer",
    "Endpoint",
    "NameResolutionError",
    "NotFoundError",
    "Options",
    "Resolver",
    "Subscription",
    "is_address",
    "options_of",
]
