"""Why tests of the suite are not passed, where that is a choice."""

_PARTIAL = "The suite's origin answers with five bytes and says that they are bytes 4 to 9, which are six."

_AUTHORIZED = "It goes to others where it says `public` or `s-maxage`; `must-revalidate` alone lets a cache do so, too."
_NO_ANSWER = "Says nothing where a cache gives no stale answers unasked (`stale_if_error` of the plugin is 0)."

REASONS = {
    "stale-close-must-revalidate": _NO_ANSWER,
    "stale-close-proxy-revalidate": _NO_ANSWER,
    "stale-close-no-cache": _NO_ANSWER,
    "stale-close-s-maxage=2": _NO_ANSWER,
    "vary-normalise-lang-order": "Many services take the order of languages of equal weight as a preference.",
    "vary-normalise-lang-select": "How the service chooses among languages is not known here.",
    "conditional-lm-fresh-no-lm": "The answer is newer than the moment that the client names: it has an older one.",
    "other-authorization-must-revalidate": _AUTHORIZED,
    "method-POST": "What answers a POST is not kept; the RFC lets a cache do so.",
    "headers-store-Transfer-Encoding": "The origin names a transfer coding that there is not; that is no answer.",
    "partial-store-partial-reuse-partial": _PARTIAL,
    "partial-store-partial-reuse-partial-byterange": _PARTIAL,
    "partial-store-partial-reuse-partial-absent": _PARTIAL,
    "partial-store-partial-reuse-partial-suffix": _PARTIAL,
    "partial-store-partial-complete": "Parts are not put together: an answer is stored whole or not at all.",
}
