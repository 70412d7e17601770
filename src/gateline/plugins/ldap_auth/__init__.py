"""ldap-auth, ldap-auth-advanced: users of a directory get through with their user name and password there (LDAP).

A client sends `Authorization: ldap BASE64` (or `Proxy-Authorization`), BASE64 being `user:password` in base64. The
gateway tries a *bind* with it, in the clear, in LDAPS or after StartTLS, over connections that it keeps. How a login
ended is remembered for `cache_ttl` seconds in each worker, by a digest and in bounded memory; a wrong password, too.

A directory that cannot be asked, takes longer than `timeout`, or answers what is no LDAP gives 500, `anonymous` or not;
only requests that need it wait. An empty password is refused here: directories let such a bind succeed.

Not there: SASL; other directories to which one refers (a bind that is answered so gives 500, and in a search such an
answer is passed over); nested groups: with ldap-auth-advanced a user is in the groups that name the user itself, and
not in those that name one of these groups, as is usual in Active Directory.
"""

from gateline.plugins.ldap_auth.plugin import LdapAuth, LdapAuthAdvanced

__all__ = ["LdapAuth", "LdapAuthAdvanced"]
