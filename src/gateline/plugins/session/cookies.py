"""`Set-Cookie` of sessions (RFC 6265)."""

from email.utils import formatdate

from gateline.plugins.session.config import Config

__all__ = ["LONGEST", "Cookie"]

LONGEST = 4096
"""Octets of a cookie that browsers must take."""

_PAST = "Thu, 01 Jan 1970 00:00:01 GMT"


class Cookie:
    """The cookie of a name."""

    def __init__(self, name: str, config: Config) -> None:
        parts = [f"Domain={config.cookie_domain}"] if config.cookie_domain else []
        parts.append(f"Path={config.cookie_path}")
        if config.cookie_same_site != "Default":
            parts.append(f"SameSite={config.cookie_same_site}")
        if config.cookie_secure:
            parts.append("Secure")
        if config.cookie_http_only:
            parts.append("HttpOnly")
        self.name = name
        self._attributes = "; ".join(parts)
        self.removed = f"{name}=; {self._attributes}; Expires={_PAST}; Max-Age=0"
        """What takes the cookie away."""

    def of(self, value: str) -> str:
        """What sets it until the browser ends."""
        return f"{self.name}={value}; {self._attributes}"

    def lasting(self, value: str, now: float, seconds: int) -> str:
        """What sets it for a time."""
        expires = formatdate(now + seconds, usegmt=True)
        return f"{self.name}={value}; {self._attributes}; Expires={expires}; Max-Age={seconds}"
