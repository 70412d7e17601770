"""What the endpoints refuse, in the words of Kong and of RFC 6749, 5.2."""

from collections.abc import Mapping

__all__ = ["OAuthError", "invalid_client", "invalid_request"]

_BASIC = {"WWW-Authenticate": 'Basic realm="OAuth2.0"'}


class OAuthError(Exception):
    """A refusal: `error` is its code, `headers` go with the answer."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.headers: Mapping[str, str] = headers or {}

    @property
    def body(self) -> dict[str, str]:
        """The body of the answer."""
        return {"error": self.error, "error_description": self.description}


def invalid_request(description: str) -> OAuthError:
    """Something is missing or wrong."""
    return OAuthError("invalid_request", description)


def invalid_client(*, by_header: bool = False) -> OAuthError:
    """It is not known who asks; `by_header`: it was said in the Authorization header."""
    if by_header:
        return OAuthError("invalid_client", "Invalid client authentication", 401, _BASIC)
    return OAuthError("invalid_client", "Invalid client authentication")
