cimport cython
from gateline.pdk.redis.clock cimport RedisClock
from gateline.plugins.limits.leases.lease cimport Lease
from gateline.plugins.limits.leases.slot cimport Slot

cdef class AtHand:
    cdef object _ask, _count, _later
    cdef RedisClock _clock
    cdef double _part
    cdef bint _tolerant
    cdef readonly dict leases

    @cython.locals(lease=Lease, now=double)
    cpdef object take(self, str key, object quotas, object cost)
    @cython.locals(lease=Lease)
    cpdef Lease lease(self, str key, object quotas)
    @cython.locals(time=double, wanted="long long")
    cpdef object attempt(self, Lease lease, object cost, double now)
    @cython.locals(slot=Slot, wanted="long long")
    cpdef bint is_empty(self, Lease lease, object cost, double now) except -1
    @cython.locals(slot=Slot, values=list, at=cython.Py_ssize_t)
    cpdef object refused(self, Lease lease, object cost, double now)
    @cython.locals(slot=Slot, windows=list, told=list, at=cython.Py_ssize_t)
    cdef object _look(self, Lease lease, double now, double time)
    @cython.locals(slot=Slot, windows=list, values=list, at=cython.Py_ssize_t, took=bint)
    cdef list _taken(self, Lease lease, object cost, object wanted, double time)
    @cython.locals(slot=Slot, windows=list, ready="long long")
    cdef bint _pour(self, Lease lease, long long wanted, double time) except -1

@cython.locals(slot=Slot, standings=list, at=cython.Py_ssize_t, value="long long", reset=double, retry=double)
cdef list _standings(Lease lease, values, long long wanted, double now, double time)
@cython.locals(slot=Slot, at=cython.Py_ssize_t)
cdef bint _is_low(Lease lease, values, double now, double time) except -1
