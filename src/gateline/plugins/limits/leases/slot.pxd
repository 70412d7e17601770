cimport cython
from gateline.plugins.limits.leases.flow cimport Flow

cdef class Slot:
    cdef double _part
    cdef long long _window
    cdef public bint barred
    cdef readonly bint bucket
    cdef readonly Flow flow
    cdef public double empty_until, flow_most, reset_at, retry_at
    cdef public long long at_hand, flow_number, flowed, left, lost, low, number, workers
    cdef readonly object quota
    cdef readonly double seconds

    @cython.locals(microseconds=cython.longlong)
    cpdef long long number_at(self, double now)
    cpdef long long pool_at(self, double now)
    cpdef double over(self, double now)
    cpdef long long ready(self, double now)
    @cython.locals(lasts=double)
    cpdef bint is_short(self, long long at_hand, double rate, double now) except -1
