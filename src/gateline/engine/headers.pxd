cdef class ResponseHeaders:
    cdef dict _known
    cdef bytes _proxy, _response, _upstream
    cdef bint _upstream_status
    cdef public bytes request_id, server, via_line

    cpdef bytes proxied(self, double upstream, double proxy, bytes request_id, int status)
