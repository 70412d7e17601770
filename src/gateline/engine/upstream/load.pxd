cimport cython
from gateline.engine.upstream.watch cimport Watch

cdef class Load(Watch):
    cdef public double latency, since, turn
    cdef public long active
    cdef double _measured

    cpdef object began(self, exchange, double now)
    cpdef object answered(self, exchange, int status, double latency, double now)
    cpdef object failed(self, exchange, failure, double now)
    cpdef object ended(self, double now)
    @cython.locals(known=cython.double, weight=cython.double)
    cpdef object measure(self, double latency, double now)
    cpdef double latency_now(self, double now)
    @cython.locals(since=cython.double, passed=cython.double)
    cpdef double share(self, double now, double slow_start)
