cdef class Sockets:
    cpdef int dial(self, object destination, bint speaks) except -1
    cpdef Py_ssize_t send(self, int descriptor, bytes data) except -2
    cpdef bytes receive(self, int descriptor)
    cpdef int hang_up(self, int descriptor) except -1
