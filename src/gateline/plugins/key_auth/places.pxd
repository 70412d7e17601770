cimport cython

cdef class KeyPlaces:
    cdef bint _in_body, _in_header, _in_query
    cdef tuple _names

    @cython.locals(key=str, values=list)
    cpdef object find(self, exchange)
