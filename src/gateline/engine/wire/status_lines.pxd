cimport cython

cdef list _LINES
cdef int _LAST

@cython.locals(known=tuple)
cpdef bytes status_line(int status, bytes reason, close)

cdef list _ends
cdef Py_ssize_t _KNOWN_LENGTHS

@cython.locals(known=bytes)
cpdef bytes length_end(Py_ssize_t length)
