cimport cython

cdef class Numbers:
    cdef double[::1] at

cdef class Series:
    cdef Numbers _bounds, _cells
    cdef str _kind
    cdef Py_ssize_t _count, _place

    @cython.locals(bounds=Numbers, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cpdef object add(self, double value=*)
    cpdef object set(self, double value)
