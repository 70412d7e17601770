cimport cython
from gateline.control.health.wheel cimport Wheel

cdef class _Raw:
    cdef public object about, judge, socket
    cdef public bytes data, request
    cdef public int descriptor
    cdef public bint only_connects
    cdef public long long slot

cdef class RawProber:
    cdef object _done, _epoll, _loop
    cdef dict _waiting
    cdef list _sent
    cdef Wheel _deadlines

    @cython.locals(raw=_Raw)
    cpdef object start(self, probe, address, port, about)
    cdef object _await(self, _Raw raw, events)
    @cython.locals(raw=_Raw, waiting=_Raw, sent=list)
    cpdef object tick(self, double now)
    cdef object _went_on(self, _Raw raw, long events)
    cdef bint _read(self, _Raw raw) except -1
    cdef object _end(self, _Raw raw, result)
