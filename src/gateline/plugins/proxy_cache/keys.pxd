cimport cython

cdef class Keys:
    cdef object _arguments
    cdef dict _known
    cdef tuple _headers
    cdef bint _lower

    @cython.locals(who=tuple, varied=tuple, seen=tuple)
    cpdef str key(self, exchange, request, tuple asked, authorization=*, bint shared=*)
