cdef class Pool:
    cdef public object target, keep_alive
    cdef public bint retired
    cdef list _idle
    cdef object _pools, _tls

    cpdef object acquire(self)
    cpdef object release(self, connection, double now)
