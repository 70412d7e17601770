cdef class RedisClock:
    cdef object _local
    cdef double _error, _late, _measured, _offset

    cpdef double now(self)
    cpdef double begin(self)
    cpdef object measured(self, double told, double begun)
    cpdef double not_before(self)
