from gateline.engine.peer cimport Peer
from gateline.engine.wire._codec cimport ResponseHead as CResponseHead

cdef class ClientStream:
    cdef public Peer peer

    cpdef object respond(self, CResponseHead head, int status, unsigned int drop, dict edits, bytes tail, long long length, bytes body, bint ended)
    cpdef object answer(self, int status, bytes block, bytes body)
    cpdef object answer_stored(self, int status, bytes block, bytes lines, bytes body)
    cpdef object send_data(self, bytes data)
    cpdef object finish(self, double now)
    cpdef object pause_reading(self)
    cpdef object resume_reading(self)

cdef class UpstreamStream:
    cdef public str address

    cpdef object send_request(self, exchange, bytes data)
    cpdef object send_data(self, bytes data)

cdef class PooledStream(UpstreamStream):
    cdef public double deadline
    cdef public object place
    cdef public long long requests

    cpdef bint usable(self)

cdef class ExchangeHandler:
    cpdef object respond(self, exchange, CResponseHead head, long long length, bytes body, bint ended, double now)
    cpdef object finished(self, exchange)
