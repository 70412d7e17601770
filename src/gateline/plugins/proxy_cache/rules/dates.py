"""HTTP dates in their three formats (RFC 9110, section 5.6.7).

Read as RFC 9111, section 4.2, asks of a cache: in any case, and no zone but GMT. The day of the week must be one;
whether it is that day's is not checked.
"""

from calendar import timegm
from datetime import date
from email.utils import formatdate

__all__ = ["format_date", "parse_date"]

_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = frozenset(b"mon tue wed thu fri sat sun".split())
_LONG_DAYS = frozenset(b"monday tuesday wednesday thursday friday saturday sunday".split())
_LONGEST = 40


def parse_date(text: bytes, now: float) -> int | None:
    """Seconds since 1970; None where the text is no date. `now` tells which century a year of two digits is of."""
    if len(text) > _LONGEST:
        return None
    parts = text.lower().split(b" ")
    match parts:
        case [day, day_of_month, month, year, time, b"gmt"] if day[:-1] in _DAYS and day[-1:] == b",":
            return _seconds(year, month, day_of_month, time) if len(year) == 4 else None
        case [day, short, time, b"gmt"] if day[:-1] in _LONG_DAYS and day[-1:] == b",":
            return _short_date(short, time, now)
        case [day, month, b"", day_of_month, time, year] if day in _DAYS and len(day_of_month) == 1:
            return _seconds(year, month, b"0" + day_of_month, time) if len(year) == 4 else None
        case [day, month, day_of_month, time, year] if day in _DAYS:
            return _seconds(year, month, day_of_month, time) if len(year) == 4 else None
    return None


def format_date(seconds: float) -> bytes:
    """The time as it is written in a header."""
    return formatdate(seconds, usegmt=True).encode("ascii")


def _short_date(text: bytes, time: bytes, now: float) -> int | None:
    parts = text.split(b"-")
    if len(parts) != 3 or len(parts[2]) != 2 or not parts[2].isdigit():
        return None
    this_year = int(formatdate(now)[12:16])
    year = this_year - this_year % 100 + int(parts[2])
    if year > this_year + 50:
        year -= 100
    elif year <= this_year - 50:
        year += 100
    return _seconds(b"%04d" % year, parts[1], parts[0], time)


def _seconds(year: bytes, month: bytes, day: bytes, time: bytes) -> int | None:
    clock = time.split(b":")
    numbers = (day, *clock)
    if len(clock) != 3 or not year.isdigit() or any(len(number) != 2 or not number.isdigit() for number in numbers):
        return None
    hour, minute, second = map(int, clock)
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        whole_day = date(int(year), _MONTHS.get(month, 0), int(day))
    except ValueError:
        return None
    return timegm((whole_day.year, whole_day.month, whole_day.day, hour, minute, second))
