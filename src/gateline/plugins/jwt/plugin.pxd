from gateline.plugins.jwt.verified cimport Verified

cdef class _OfCredential(Verified):
    cdef object _find, _found, _key

    cpdef bint stands(self) except -1
