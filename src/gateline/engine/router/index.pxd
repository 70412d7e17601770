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

@cython.locals(first=Py_ssize_t, last=Py_ssize_t, middle=Py_ssize_t, key=bytes)
cdef Py_ssize_t _place_of(list keys, bytes path) except -1

cdef class WideBucket(AnyBucket):
    cdef public Bucket narrow, wide

    @cython.locals(found=Match)
    cpdef Match search(self, request, bytes path, limit)
