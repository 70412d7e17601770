cimport cython
from gateline.control.health._sockets cimport Sockets as CSockets
from gateline.control.health.wheel cimport Wheel

cdef int _HEAD
cdef long _ALL, _ANSWER, _BROKEN, _ERROR, _READABLE

cdef class Call:
    cdef public object about, address, destination, judge, result
    cdef public bytes data, left, request
    cdef public double deadline, timeout
    cdef public int descriptor, port, status
    cdef public bint speaks
    cdef public long long slot

cdef class RawProber:
    cdef object _done, _epoll, _loop
    cdef CSockets _sockets
    cdef dict _waiting
    cdef list _sent
    cdef Wheel _deadlines

    @cython.locals(descriptor=cython.int)
    cpdef object start(self, Call call, about, double now)
    cdef object _await(self, Call call, long events)
    @cython.locals(call=Call, waiting=Call, sent=list)
    cpdef object tick(self, double now)
    @cython.locals(size=Py_ssize_t)
    cdef Py_ssize_t _say(self, Call call) except -2
    cdef object _went_on(self, Call call, long events)
    @cython.locals(data=bytes, status=cython.int)
    cdef bint _read(self, Call call) except -1
    @cython.locals(descriptor=cython.int)
    cdef object _end(self, Call call, result)

@cython.locals(hundreds=cython.int, tens=cython.int, ones=cython.int)
cpdef int status_of(bytes data)
