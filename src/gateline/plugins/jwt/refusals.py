"""Why a request is not let through: a status, a body as Kong has it, and what `WWW-Authenticate` says of it."""

from typing import Any

from gateline.pdk.authentication import Refusal

__all__ = ["Rejected"]


class Rejected(Refusal):
    """A refusal. `fault` goes into `WWW-Authenticate`; without a token there is none."""

    __slots__ = ("body", "fault")

    def __init__(self, status: int, body: dict[str, Any], fault: str | None = 'error="invalid_token"') -> None:
        super().__init__(status=status)
        self.body = body
        self.fault = fault

    @classmethod
    def saying(cls, message: str, status: int = 401, fault: str | None = 'error="invalid_token"') -> "Rejected":
        """One with a message."""
        return cls(status, {"message": message}, fault)
