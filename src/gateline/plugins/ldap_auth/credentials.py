"""User name and password as a client sends them: `Authorization: ldap base64(user:password)`."""

from base64 import b64decode
from typing import NamedTuple

__all__ = ["Given", "given_in"]


class Given(NamedTuple):
    """What a client says of itself. The password's octets that are no UTF-8 are escaped (`surrogateescape`)."""

    username: str
    password: str


def given_in(header: str | None, scheme: str) -> Given | None:
    """What a header says; None where it is of another scheme (in lower case), or says nothing that can be right.

    A directory takes a bind without a password for one of nobody, and lets it succeed: here it is none. Names are
    UTF-8 without control characters.
    """
    if header is None:
        return None
    words = header.split(None, 1)
    if len(words) != 2 or words[0].lower() != scheme:
        return None
    try:
        name, colon, secret = b64decode(words[1].strip(), validate=True).partition(b":")
        username = name.decode()
    except ValueError:
        return None
    if not colon or not secret or not username or not username.isprintable():
        return None
    return Given(username, secret.decode("utf-8", "surrogateescape"))
