cimport cython
from gateline.engine.wire._codec cimport ResponseHead as CResponseHead, joined

cdef unsigned int _VIA, _SERVER, _DATE

cdef class ResponseHeaders:
    cdef dict _known
    cdef bytes _last_block, _proxy, _response, _upstream
    cdef long long _last
    cdef bint _upstream_status
    cdef public bytes request_id, server, via_line

    @cython.locals(block=bytes, kinds="unsigned int")
    cpdef bytes block_of(self, CResponseHead head, double upstream, double proxy, bytes request_id)
    @cython.locals(block=bytes, place="long long", spent="long long", waited="long long")
    cpdef bytes proxied(self, double upstream, double proxy, bytes request_id, int status)
