cdef class Flow:
    cdef double _credit, _held
    cdef readonly double rate, since, until

    cpdef object hold(self, double now)
    cpdef object renew(self, double rate, double since, double until)
    cpdef object end(self)
    cpdef long long ready(self, double now, double most)
    cpdef object take(self, long long amount)
    cpdef double to_come(self, double now)
    cdef double _brought(self, double now)
