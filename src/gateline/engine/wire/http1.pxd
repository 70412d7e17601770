cimport cython
from gateline.engine.exchange cimport Exchange
from gateline.engine.door cimport Door
from gateline.engine.streams cimport ClientStream
from gateline.engine.wire._codec cimport RequestHead as CRequestHead, ResponseHead as CResponseHead, joined
from gateline.engine.wire.status_lines cimport length_end, status_line

cdef long long _CHUNKED

cdef class ClientConnection(ClientStream):
    cdef bytes _ahead, _partial
    cdef bint _chunked, _close, _half_closed, _lingering, _paused, _write_paused
    cdef object _decoder, _transport
    cdef Door _door
    cdef Exchange _exchange
    cdef long long _discarded, _left, _requests, _unsent
    cdef public double deadline

    @cython.locals(exchange=Exchange)
    cpdef object data_received(self, bytes data)
    @cython.locals(head=CRequestHead)
    cpdef object _read_head(self, bytes data)
    @cython.locals(exchange=Exchange, door=Door, size=Py_ssize_t, length="long long")
    cpdef object _begin(self, CRequestHead head, bytes data)
    @cython.locals(exchange=Exchange)
    cpdef object _read_body(self, bytes data)
    @cython.locals(exchange=Exchange, start=bytes)
    cpdef object respond(self, CResponseHead head, int status, unsigned int drop, dict edits, bytes tail, long long length, bytes body, bint ended)
    @cython.locals(exchange=Exchange, ending=bytes, shown=bytes)
    cpdef object answer(self, int status, bytes block, bytes body)
    @cython.locals(exchange=Exchange, ending=bytes, shown=bytes)
    cpdef object answer_stored(self, int status, bytes block, bytes lines, bytes body)
    @cython.locals(start=bytes, end=bytes)
    cdef Py_ssize_t _write_answer(self, int status, bytes block, bytes lines, bytes ending, bytes body, Py_ssize_t length) except -1
    cpdef object send_data(self, bytes data)
    @cython.locals(exchange=Exchange, door=Door)
    cpdef object finish(self, double now)
    cdef object _await_body(self)
    @cython.locals(door=Door)
    cdef object _await_request(self, double now)
    cpdef object pause_reading(self)
    cpdef object resume_reading(self)
