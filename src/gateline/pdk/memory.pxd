cimport cython

cdef Py_ssize_t _LIMIT, _LONGEST

@cython.freelist(64)
cdef class _Known:
    cdef bytes host, method, path, query, scheme
    cdef str consumer, route
    cdef int port
    cdef object made

cdef class Memory:
    cdef dict _known

    @cython.locals(known=_Known)
    cpdef object get(self, bytes method, bytes scheme, bytes host, int port, bytes path, bytes query, str route, str consumer)
    cpdef object put(self, bytes method, bytes scheme, bytes host, int port, bytes path, bytes query, str route, str consumer, made)

cdef class AnyExchange:
    cpdef object recall(self, Memory memory)
    cpdef object remember(self, Memory memory, made)
    cpdef bint has_any(self, tuple names) except -1
