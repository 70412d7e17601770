cimport cython
from gateline.engine.router.index cimport AnyBucket
from gateline.engine.router.interface cimport Match

cdef class _OpenHosts:
    cdef public object _wildcards, best
    cdef public dict buckets

    @cython.locals(found=Match, match=Match, bucket=AnyBucket)
    cpdef object search(self, request, bytes path, limit)

cdef class Router:
    cdef public AnyBucket _anywhere
    cdef public object regexes
    cdef public dict _hosts
    cdef public _OpenHosts _open_hosts

    cpdef Match match(self, request)
    @cython.locals(found=Match, match=Match, open_hosts=_OpenHosts, bucket=AnyBucket)
    cpdef Match find(self, request, bytes host, bytes path)
