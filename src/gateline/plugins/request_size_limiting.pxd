cdef class SizeLimit:
    cdef object _limit
    cdef bint _length_needed
