cimport cython

cdef class Lease:
    cdef double _bin
    cdef long long _demand, _last
    cdef public object asking, back, error
    cdef public double look_at, rate, renew_at
    cdef public bint flowing, used
    cdef readonly str key, left, pool
    cdef public long long waiting
    cdef readonly object place, quotas, ttl
    cdef readonly tuple slots

    @cython.locals(passed=double, rate=double)
    cpdef object demand(self, long long cost, double now)
