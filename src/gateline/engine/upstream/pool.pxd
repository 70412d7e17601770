cdef class Pool:
    cdef public object target
    cdef public bint retired
    cdef double _idle_timeout
    cdef list _idle
    cdef long long _max_requests, _size
    cdef object _pools, _tls

    cpdef object acquire(self)
    cpdef object release(self, connection, double now)
