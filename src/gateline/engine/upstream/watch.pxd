cimport cython

cdef class Watch:
    cpdef object began(self, exchange, double now)
    cpdef object connected(self, exchange, double now)
    cpdef object answered(self, exchange, int status, double latency, double now)
    cpdef object failed(self, exchange, failure, double now)
    cpdef object ended(self, double now)

cdef class Watches(Watch):
    cdef tuple _watches

    @cython.locals(watch=Watch)
    cpdef object began(self, exchange, double now)
    @cython.locals(watch=Watch)
    cpdef object connected(self, exchange, double now)
    @cython.locals(watch=Watch)
    cpdef object answered(self, exchange, int status, double latency, double now)
    @cython.locals(watch=Watch)
    cpdef object failed(self, exchange, failure, double now)
    @cython.locals(watch=Watch)
    cpdef object ended(self, double now)
