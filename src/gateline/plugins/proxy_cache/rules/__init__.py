"""The rules of a shared cache (RFC 9111), as functions of what was asked and answered, and of the time.

Nothing here has a socket, a store or a clock. Headers are pairs of bytes in order (`Headers`), moments are seconds
since 1970, spans are seconds. Nothing raises for what a peer sends: what cannot be read is taken the strict way.

How a cache asks them, in order:

1. `request_directives(headers)` reads the request once. A method other than GET and HEAD, `no_store`, and
   `for_service_only(headers)` pass the cache by; after an unsafe method `invalidates` and `invalidated_targets` tell
   what to throw away.
2. The answers stored for a target are told apart by `variant_key(names, headers)`, where `names` are those that the
   last answer of the target varied by (`Stored.vary`).
3. `judge(stored, request, now)` tells whether what is stored may be given. If so: `is_not_modified` answers with 304
   and `not_modified_headers`; `requested_part` with 206 and `part_headers`, or 416; else the whole goes out with
   `headers_of`. `only_if_cached` without such an answer is 504.
4. Otherwise the service is asked; where something is stored, with `conditions_for(stored)` in place of `CONDITIONS`.
   A 304 goes to `freshen`, which gives what to store now; no answer and `ERRORS` to `may_stand_in`; every other answer
   to `store`, which gives what to keep or the reason why nothing is kept, and replaces what was stored. What answers a
   HEAD goes to `after_head`.
5. `cache_status` tells the client which of these it was, `Stored.tags` and the target are what purging goes by.
"""

from gateline.plugins.proxy_cache.rules.cache_status import Forwarded, cache_status
from gateline.plugins.proxy_cache.rules.dates import format_date, parse_date
from gateline.plugins.proxy_cache.rules.directives import RequestDirectives, ResponseDirectives, request_directives
from gateline.plugins.proxy_cache.rules.fields import Headers
from gateline.plugins.proxy_cache.rules.freshness import Policy
from gateline.plugins.proxy_cache.rules.invalidation import SAFE_METHODS, invalidated_targets, invalidates
from gateline.plugins.proxy_cache.rules.ranges import Part, part_headers, requested_part, unsatisfiable_headers
from gateline.plugins.proxy_cache.rules.serving import (
    ERRORS,
    Verdict,
    age_line,
    headers_of,
    judge,
    may_stand_in,
    not_modified_headers,
)
from gateline.plugins.proxy_cache.rules.stored import Stored, decode, encode
from gateline.plugins.proxy_cache.rules.storing import OF_CONDITIONS, Answer, Refusal, store
from gateline.plugins.proxy_cache.rules.tags import tags_of
from gateline.plugins.proxy_cache.rules.targeted import policy_of, surrogate_capability
from gateline.plugins.proxy_cache.rules.updating import after_head, freshen
from gateline.plugins.proxy_cache.rules.validators import CONDITIONS, conditions_for, for_service_only, is_not_modified
from gateline.plugins.proxy_cache.rules.vary import variant_key, vary_names

__all__ = [
    "CONDITIONS",
    "ERRORS",
    "OF_CONDITIONS",
    "SAFE_METHODS",
    "Answer",
    "Forwarded",
    "Headers",
    "Part",
    "Policy",
    "Refusal",
    "RequestDirectives",
    "ResponseDirectives",
    "Stored",
    "Verdict",
    "after_head",
    "age_line",
    "cache_status",
    "conditions_for",
    "decode",
    "encode",
    "for_service_only",
    "format_date",
    "freshen",
    "headers_of",
    "invalidated_targets",
    "invalidates",
    "is_not_modified",
    "judge",
    "may_stand_in",
    "not_modified_headers",
    "parse_date",
    "part_headers",
    "policy_of",
    "request_directives",
    "requested_part",
    "store",
    "surrogate_capability",
    "tags_of",
    "unsatisfiable_headers",
    "variant_key",
    "vary_names",
]
