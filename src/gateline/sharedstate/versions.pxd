cimport cython

cdef class Versions:
    cdef unsigned long long[::1] _cells

    cpdef Py_ssize_t place_of(self, bytes name)
    @cython.locals(version=cython.ulonglong)
    cpdef unsigned long long read(self, Py_ssize_t place)
    cpdef bint is_at(self, Py_ssize_t place, unsigned long long version)
