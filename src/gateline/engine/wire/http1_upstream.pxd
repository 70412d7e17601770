cimport cython
from gateline.engine.exchange cimport Exchange
from gateline.engine.streams cimport PooledStream
from gateline.engine.upstream.places cimport Place
from gateline.engine.upstream.pool cimport Pool
from gateline.engine.wire._codec cimport ResponseHead as CResponseHead

cdef long long _CHUNKED

cdef class UpstreamConnection(PooledStream):
    cdef bint _body, _chunked, _read_paused, _reusable, _tunnel, _until_close, _write_paused
    cdef object _decoder, _transport
    cdef Pool _pool
    cdef Exchange _exchange
    cdef bytes _partial
    cdef int _interims
    cdef long long _left, _unsent
    cdef double _read_timeout, _write_timeout

    @cython.locals(place=Place, current=Exchange)
    cpdef object send_request(self, exchange, bytes data)
    cpdef object send_data(self, bytes data)
    @cython.locals(exchange=Exchange)
    cpdef object data_received(self, bytes data)
    cpdef bint usable(self)
    @cython.locals(head=CResponseHead, status=int, size=Py_ssize_t, length="long long", reusable=bint, exact=bint)
    cpdef object _read_head(self, Exchange exchange, bytes data)
    @cython.locals(now=cython.double)
    cpdef object _finish_with_head(self, Exchange exchange, CResponseHead head, long long length, bytes body, bint reusable)
    cpdef object _let_go(self, bint reusable, double now)
