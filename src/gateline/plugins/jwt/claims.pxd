cimport cython

cdef double _AN_HOUR, _FAR

cdef class Claims:
    cdef tuple _rules, _scopes_claim, _times
    cdef bint _expires, _only_times
    cdef object _audience
    cdef list _scopes
    cdef str _lacking, _scopes_name
    cdef double _longest, _skew

    @cython.locals(end=double)
    cpdef double end(self, dict claims, double now, bint strictly) except? -1
    cpdef object problem(self, dict claims, double now, bint strictly)
    cpdef object scopes(self, dict claims)
    cdef dict _untimely(self, dict claims, double now, tuple times)

cdef double _seconds(object value) except? -1
cpdef list words_of(object value)
cdef list _texts(object value)
