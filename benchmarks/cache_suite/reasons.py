"""Why tests of the suite are not passed, where that is a choice."""

_PARTIAL = "The suite's origin answers with five bytes and says that they are bytes 4 to 9, which are six."

REASONS = {
    "vary-normalise-lang-order": "Many services take the order of languages of equal weight as a preference.",
    "vary-normalise-lang-select": "How the service chooses among languages is not known here.",
    "partial-store-partial-reuse-partial": _PARTIAL,
    "partial-store-partial-reuse-partial-byterange": _PARTIAL,
    "partial-store-partial-reuse-partial-absent": _PARTIAL,
    "partial-store-partial-reuse-partial-suffix": _PARTIAL,
    "partial-store-partial-complete": "Parts are not put together: an answer is stored whole or not at all.",
}
