cimport cython
from gateline.pdk.jose.keys cimport PublicKey as CPublicKey
from gateline.pdk.jose.tokens cimport Token as CToken
from gateline.plugins.jwt.claims cimport Claims
from gateline.plugins.jwt.verified cimport Verified, VerifiedTokens

cdef VerifiedTokens verified

cdef class _Signer:
    cdef object found, identity
    cdef str algorithm
    cdef bytes secret
    cdef CPublicKey public

cdef class Judge:
    cdef Claims _claims
    cdef object _find, _now, _number
    cdef str _key_claim
    cdef bint _base64
    cdef dict _issuers, _signers

    @cython.locals(token=CToken)
    cpdef object judged(self, str text)
    @cython.locals(signer=_Signer, right=bint, now=double)
    cdef object _of_credential(self, str text, CToken token)
    cdef _Signer _signer(self, str key, found)
    @cython.locals(key=CPublicKey, now=double)
    cdef object _of_issuer(self, str text, CToken token, issuer)

cdef class _OfCredential(Verified):
    cdef object _find, _found, _key

    cpdef bint stands(self) except -1

cdef object _identity(CToken token, Claims claims, consumer, credential, groups)
