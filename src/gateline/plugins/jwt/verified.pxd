cdef class Verified:
    cdef public object identity
    cdef public double until

    cpdef bint stands(self) except -1

cdef class VerifiedTokens:
    cdef long long _half, _size
    cdef dict _old, _young

    cpdef Verified get(self, tuple key)
    cpdef object put(self, tuple key, Verified known)
