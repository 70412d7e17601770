cimport cython

cdef dict _LINES

@cython.locals(known=tuple)
cpdef bytes status_line(int status, bytes reason, close)

cdef dict _ends

cpdef bytes length_end(Py_ssize_t length)
