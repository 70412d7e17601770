cimport cython

cdef Py_ssize_t _FIRST, _LONGEST, _MOST

cdef class _Known:
    cdef bytes host, method, path, query, said, scheme
    cdef str consumer, route
    cdef int port
    cdef object made

cdef class Memory:
    cdef readonly bytes header
    cdef list _slots
    cdef Py_ssize_t _replaced

    @cython.locals(known=_Known)
    cpdef object get(self, bytes method, bytes scheme, bytes host, int port, bytes path, bytes query, str route, str consumer, bytes said)
    @cython.locals(place=Py_ssize_t)
    cpdef object put(self, bytes method, bytes scheme, bytes host, int port, bytes path, bytes query, str route, str consumer, bytes said, made)
    @cython.locals(place=cython.ulonglong)
    cdef Py_ssize_t _place(self, bytes method, bytes host, bytes path, bytes query, str consumer, bytes said) except -1

@cython.locals(mark=cython.ulonglong, step=Py_ssize_t, at=Py_ssize_t)
cdef unsigned long long _mark_of(bytes said)

cdef class AnyExchange:
    cpdef object recall(self, Memory memory)
    cpdef object remember(self, Memory memory, made)
    cpdef bint has_any(self, tuple names) except -1
