cimport cython

cdef int _END, _OF_AN_ENTRY, _PER_CHARACTER

cdef class Verified:
    cdef public object identity
    cdef public str text
    cdef public double until

    cpdef bint stands(self) except -1

cdef class VerifiedTokens:
    cdef long long _half, _size
    cdef dict _old, _young

    @cython.locals(known=Verified)
    cpdef Verified get(self, object number, str text)
    @cython.locals(text=str, size=cython.longlong)
    cpdef object put(self, object number, Verified known)
