cimport cython
from gateline.engine.streams cimport PooledStream

cdef class Place:
    cdef public str address
    cdef public int port
    cdef public long long weight
    cdef public bint gone, resting
    cdef public bytes host_line
    cdef public list idle

    @cython.locals(connection=PooledStream)
    cpdef PooledStream kept(self)

cdef class Places:
    cdef object _among, _endpoints, _host, _port, _resolver, _subscription
    cdef dict _known
    cdef list _order
    cdef Py_ssize_t _turn
    cdef int _srv_names
    cdef Place _nowhere
    cdef public bint retired
    cdef public Place chosen, sole

    cpdef Place next(self)
