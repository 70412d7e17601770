cimport cython
from gateline.engine.streams cimport PooledStream
from gateline.engine.upstream.places cimport Place, Places

cdef class Pool:
    cdef public object target
    cdef double _idle_timeout
    cdef readonly Places _places
    cdef long long _max_requests, _size, _open
    cdef object _pools, _tls

    @cython.locals(places=Places, place=Place)
    cpdef PooledStream acquire(self)
    @cython.locals(place=Place)
    cpdef object release(self, PooledStream connection, double now)
