"""The three forms of dates in HTTP (RFC 9110, 5.6.7), read as widely spread clients write them."""

import re
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["seconds_of"]

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_USUAL = re.compile(
    r"(?:[A-Za-z]{3,9}, )?(?P<day>[0-9]{1,2})[ -](?P<month>[A-Za-z]{3})[ -](?P<year>[0-9]{4}|[0-9]{2}) "
    + _TIME
    + r"(?: (?:GMT|UTC|Z|[+-]0000))?"
)
"""RFC 1123 and RFC 850. Java writes days of one digit, Go writes UTC."""
_ASCTIME = re.compile(
    r"[A-Za-z]{3} (?P<month>[A-Za-z]{3}) (?P<day>[ 0-9][0-9]) " + _TIME + r" (?P<year>[0-9]{4})(?: (?:GMT|UTC))?"
)
_LONGEST = 40
_CENTURY = 70
"""Years of two digits before it are in this century."""


def seconds_of(text: str) -> float | None:
    """A date in seconds since 1970; None where it is none."""
    return _read(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=512)  # the requests of a second have one date
def _read(text: str) -> float | None:
    found = _USUAL.fullmatch(text) or _ASCTIME.fullmatch(text)
    month = found and _MONTHS.get(found["month"].lower())
    if not found or month is None:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 2000 if year < _CENTURY else 1900
    second = int(found["second"])
    try:
        moment = datetime(
            year,
            month,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if second == 60 else second,  # a leap second
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment.timestamp()
