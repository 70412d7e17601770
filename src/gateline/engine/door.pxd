from gateline.engine.proxy cimport Proxy as CProxy

cdef class Crowd:
    cdef public long long accepted
    cdef public set connections
    cdef public bint draining
    cdef public object limits

cdef class Door:
    cdef public Crowd crowd
    cdef int _port
    cdef bint _tls
    cdef public object head_limits
    cdef public CProxy proxy
    cdef public double body_timeout, header_timeout, idle_timeout, send_timeout
    cdef public long long requests
