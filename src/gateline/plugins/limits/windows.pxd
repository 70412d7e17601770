cimport cython

cdef class Windows:
    cdef tuple _limits, _units
    cdef list _spans
    cdef double _second
    cdef readonly tuple wholes
    cdef readonly list counted, resets
    cdef readonly double ttl

    cpdef object at(self, double time)
