cimport cython
from gateline.plugins.hmac_auth.signature cimport Signature

cdef class Verifier:
    cdef object _algorithms, _enforced, _find, _now
    cdef double _skew
    cdef bint _digests, _hides

    @cython.locals(signature=Signature, x_date=bint, date=bint)
    cpdef object identify(self, exchange)
    cdef object _identity(self, request, Signature signature)
    @cython.locals(values=list)
    cdef bint _timely(self, request, name) except -1
