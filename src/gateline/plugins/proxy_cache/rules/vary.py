"""Which of several stored answers a request gets: Vary (RFC 9111, section 4.1; RFC 9110, section 12.5.5)."""

from hashlib import sha256

from gateline.plugins.proxy_cache.rules.fields import Headers, is_token, lines_of, members_of

__all__ = ["MOST_NAMES", "variant_key", "vary_names"]

MOST_NAMES = 32
"""Fields that an answer may vary by; by more it is not kept."""

_WEIGHTED = frozenset((b"accept", b"accept-charset", b"accept-language"))
"""Lists in which the weight tells what is preferred, then the order may; case tells nothing."""

_UNORDERED = frozenset((b"accept-encoding",))


def vary_names(headers: Headers) -> tuple[bytes, ...] | None:
    """The fields of the request that the answer was chosen by: in lower case, sorted, each once.

    None where no other request can be known to get the same: `*`, something that is no field name, too many.
    """
    names = {member.lower() for line in lines_of(headers, b"vary") for member in members_of(line)}
    if b"*" in names or len(names) > MOST_NAMES or not all(map(is_token, names)):
        return None
    return tuple(sorted(names))


def variant_key(names: tuple[bytes, ...], headers: Headers) -> bytes:
    """32 bytes that are equal for two requests whose fields of these names say the same.

    A field that is absent differs from one that is empty. Several lines are the same as one with commas, and white
    space beside commas does not count. In Accept-Encoding neither does the order, in the other fields of negotiation
    members are put in the order of their weights; case does not count in what they name.
    """
    digest = sha256()
    for name in names:
        lines = lines_of(headers, name)
        value = _normalised(name, lines) if lines else None
        digest.update(b"%d:%b" % (len(name), name))
        digest.update(b"-" if value is None else b"%d:%b" % (len(value), value))
    return digest.digest()


def _normalised(name: bytes, lines: list[bytes]) -> bytes:
    members = [member for line in lines for member in members_of(line)]
    if name in _WEIGHTED:
        members = sorted(map(_weighed, members), key=_weight, reverse=True)
    elif name in _UNORDERED:
        members = sorted(map(_weighed, members))
    return b",".join(members)


def _weighed(member: bytes) -> bytes:
    """A member of a list of preferences in one spelling: `de`, `en;q=0.5`."""
    value, *parameters = (part.strip(b" \t") for part in member.split(b";"))
    spelled = [value.lower()]
    for parameter in parameters:
        if parameter[:2].lower() == b"q=":
            weight = parameter.lower()
            weight = weight.rstrip(b"0").rstrip(b".") if b"." in weight else weight
            if weight != b"q=1":
                spelled.append(weight)
        else:
            spelled.append(parameter)
    return b";".join(spelled)


def _weight(member: bytes) -> float:
    """The weight of a member as `_weighed` spells it; one that cannot be read counts as none (RFC 9110, 12.4.2)."""
    weight = member.rpartition(b";q=")[2] if b";q=" in member else b"1"
    return float(weight) if weight.replace(b".", b"", 1).isdigit() and len(weight) <= 5 else 0.0
