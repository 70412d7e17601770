cdef class Door:
    cdef object _crowd
    cdef int _port
    cdef bint _tls
    cdef public object head_limits, proxy
    cdef public double body_timeout, header_timeout, idle_timeout, send_timeout
    cdef public long long requests
