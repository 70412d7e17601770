cimport cython
from gateline.engine.router.interface cimport Match

cdef class _Node:
    cdef public object best, group
    cdef public bytes prefix
    cdef public _Node parent
    cdef public Match sure

cdef class AnyBucket:
    cdef public object best

    cpdef Match search(self, request, bytes path, limit)

cdef class Bucket(AnyBucket):
    cdef public list keys, nodes

    @cython.locals(node=_Node, found=Match, match=Match)
    cpdef Match search(self, request, bytes path, limit)

cdef class WideBucket(AnyBucket):
    cdef public Bucket narrow, wide

    @cython.locals(found=Match)
    cpdef Match search(self, request, bytes path, limit)
