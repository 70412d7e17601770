cdef class Telling:
    cdef bint _any, _credentials, _origin_matters, _origin_needed, _private_network
    cdef object _exposed, _headers, _matching, _one
    cdef dict _fixed, _known

    cpdef tuple _told(self, origin)
    cpdef tuple _tell(self, origin)
    cpdef tuple _allowed(self, origin)
