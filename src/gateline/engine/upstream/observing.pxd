cimport cython
from gateline.engine.upstream.watch cimport Watch

cdef int _UNKNOWN

cdef class Reports:
    cdef object _tell, _timer
    cdef list _observers
    cdef dict _calls
    cdef double _due, _last

cdef class Observer(Watch):
    cdef public object checks, target
    cdef Reports _reports
    cdef bint _is_name
    cdef int _port
    cdef bytes _outcomes
    cdef int _outcome, _tcp_failure, _timeout
    cdef long _times
    cdef str _address
    cdef dict _runs

    @cython.locals(outcome=cython.int)
    cpdef object answered(self, exchange, int status, double latency, double now)
    cpdef object failed(self, exchange, failure, double now)
    @cython.locals(address=str)
    cdef object _see(self, exchange, int outcome, double now)
    cdef object _note(self)
