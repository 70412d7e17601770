"""Helpers of the plugins' tests: consumers and their credentials."""

from typing import Any

from gateline.pdk import Consumer
from gateline.testing import Harness

BOB = Consumer("5f1d7fbc-0000-4000-8000-000000000001", "bob", "b-1", groups=("gold",), group_ids=("g",))
ANN = Consumer("5f1d7fbc-0000-4000-8000-000000000002", "ann")
GUEST = Consumer("5f1d7fbc-0000-4000-8000-000000000003", "guest")
CREDENTIAL = "4a3c0b9e-6b0a-4d6b-9c55-1e1f1b8a0001"


def give(harness: Harness, kind: str, consumer: Consumer, **fields: Any) -> None:
    """Give a consumer a credential, or a group."""
    harness.credentials.add(kind, {"id": CREDENTIAL, **fields}, consumer)
