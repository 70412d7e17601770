"""session: who has logged in once stays so for a time, by a cookie.

It complements other authentication plugins: who gets through one of them as a consumer gets a cookie, and with the
cookie is that consumer, has that credential and those groups. The others must let through who has the cookie alone:
they need `anonymous`, and what the anonymous consumer may do is for `acl`, or `request-termination` on it, to say. A
session of a consumer that is gone is over.

The cookie is sealed (AES-256-GCM) with `secret`. With `storage: kong` it holds the session's name, and who it is stands
in the store: the session is over when its entity is deleted. With `storage: cookie` one that was ended is remembered
by the node, not by others: whoever copied the cookie may use it there until it is over. A request with
`session_logout` in its query ends its session, when its method is one of `logout_methods`.

A cookie has at most 4096 octets, name and attributes included: browsers drop a longer one without a word. With
`storage: cookie` who is in so many groups that it would be longer gets none, and the log says so; requests pass as
before. With `storage: kong` its length is always the same.
"""

from gateline.plugins.session.plugin import SessionPlugin

__all__ = ["SessionPlugin"]
