cimport cython
from gateline.control.health.counting cimport Counts
from gateline.control.health.probes cimport Call, RawProber
from gateline.control.health.rounds cimport Rounds, Turn

cdef class _About:
    cdef public Call call
    cdef public object address, place, port, probe
    cdef public Counts counts

cdef class ActiveChecks:
    cdef object _authorities, _checked, _counted, _named, _resolve, _result, _tasks, _timer
    cdef Rounds _rounds
    cdef RawProber _raw
    cdef bint _closed

    @cython.locals(about=_About)
    cpdef object _begin(self, Turn turn)
    @cython.locals(about=_About)
    cpdef object _over(self, Turn turn, result)
