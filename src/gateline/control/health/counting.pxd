cdef class Counts:
    cdef public bint healthy, quiet
    cdef list _counts
