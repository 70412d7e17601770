cimport cython

cdef class TokenPlaces:
    cdef tuple _arguments, _cookies, _headers
    cdef str _word

    @cython.locals(values=list, token=str)
    cpdef object find(self, request)
    cdef bint _may_be_in(self, str query) except -1

cdef str _bearer(str value)
