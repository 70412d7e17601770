cimport cython
from gateline.plugins.proxy_cache.keys cimport Keys

cdef class Ready:
    cdef public object answer, mark
    cdef public double since, until

cdef class Variants:
    cdef public dict known

cdef class Hits:
    cdef object _get, _mark, _methods, _other, _telling
    cdef public object time
    cdef tuple _particular
    cdef bint _controlled
    cdef double _ttl
    cdef Keys _keys

    @cython.locals(asked=tuple, now=cython.double, particular=bint)
    cpdef object access(self, exchange)
    @cython.locals(ready=Ready)
    cpdef object _ready(self, kept, double now)
    cpdef object _kept(self, exchange, str key, kept, double now, bint particular)
