"""Trusted issuers: which of their keys a token is verified with, and whom it stands for."""

from collections.abc import Mapping
from typing import Any

from gateline.pdk import Consumer, Credential, Identity, Node
from gateline.pdk.documents import Document
from gateline.pdk.jose import KeySet, KeySetError, PublicKey
from gateline.plugins.jwt.claims import claim_at, words_of
from gateline.plugins.jwt.config import Config, Issuer
from gateline.plugins.jwt.refusals import Rejected
from gateline.plugins.jwt.verified import Verified

__all__ = ["OfIssuer", "TrustedIssuer", "documents_of"]

_NO_CONSUMER = "No consumer found for the token"


def documents_of(config: Config) -> list[Document]:
    """The key sets that a configuration needs."""
    return [
        Document(issuer.jwks_uri, issuer.jwks_refresh, verify=issuer.ssl_verify, problem=KeySet.problem)
        for issuer in config.issuers
        if issuer.jwks_uri is not None
    ]


class TrustedIssuer:
    """One issuer of a configuration."""

    def __init__(self, issuer: Issuer, node: Node) -> None:
        self._credentials = node.credentials
        self._documents = node.documents
        self.name = issuer.issuer
        self.url = issuer.jwks_uri
        self.algorithms = frozenset(issuer.algorithms)
        self._consumer_claim = issuer.consumer_claim
        self._consumer_by = issuer.consumer_by
        self._optional = issuer.consumer_optional
        self._groups_claim = issuer.groups_claim
        self._read: bytes | None = None if issuer.jwks is None else issuer.jwks.encode()
        self._keys: KeySet | None = None if self._read is None else KeySet.read(self._read)

    def keys(self) -> KeySet | None:
        """The keys that it has now, the same object until they are others; None when they are not known."""
        if self.url is not None:
            document = self._documents.get(self.url)
            if document is not self._read:
                self._read, self._keys = document, _key_set(document)
        return self._keys

    def key(self, header: Mapping[str, Any], algorithm: str) -> PublicKey | None:
        """The key that a token's header names."""
        keys = self.keys()
        return None if keys is None else keys.find(header.get("kid"), algorithm)

    def renewable(self) -> bool:
        """Whether it may have other keys than those that are known."""
        return self.url is not None and self._documents.renewable(self.url)

    async def renew(self) -> None:
        """Have its keys fetched."""
        if self.url is not None:
            await self._documents.renew(self.url)

    def consumer(self, claims: Mapping[str, Any]) -> Consumer | Rejected | None:
        """Whom a token stands for; None where it needs nobody."""
        if self._consumer_claim is None:
            return None
        name = claim_at(claims, self._consumer_claim)
        if isinstance(name, str) and name:
            for field in self._consumer_by:
                if field == "id":
                    found = self._credentials.consumer(name)
                else:
                    found = self._credentials.consumer_with(field, name)
                if found is not None:
                    return found
        return None if self._optional else Rejected.saying(_NO_CONSUMER, 403, 'error="insufficient_scope"')

    def groups(self, claims: Mapping[str, Any]) -> list[str] | None:
        """The groups that a token is in; None where nobody asks."""
        return None if self._groups_claim is None else words_of(claim_at(claims, self._groups_claim))

    def credential(self, claims: Mapping[str, Any], consumer: Consumer | None) -> Credential:
        """What proves the identity: the issuer's word on its subject."""
        subject = claims.get("sub")
        told = subject if isinstance(subject, str) and subject.isprintable() else None
        return Credential(f"{self.name} {told or ''}", told, "jwt", consumer.id if consumer else None)


class OfIssuer(Verified):
    """A token that an issuer has signed."""

    __slots__ = ("_consumer", "_issuer", "_keys")

    def __init__(self, text: str, identity: Identity, until: float, issuer: TrustedIssuer, keys: KeySet | None) -> None:
        super().__init__(text, identity, until)
        self._issuer = issuer
        self._keys = keys
        self._consumer: Consumer | None = identity.consumer

    def stands(self) -> bool:
        """Whether the issuer has the same keys, and the consumer is the same."""
        issuer = self._issuer
        if issuer.keys() is not self._keys:
            return False
        return issuer.consumer(self.identity.claims) is self._consumer


def _key_set(document: bytes | None) -> KeySet | None:
    try:
        return None if document is None else KeySet.read(document)
    except KeySetError:  # it was asked before whether it is one
        return None
