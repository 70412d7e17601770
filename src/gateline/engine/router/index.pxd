cimport cython
from gateline.engine.router.interface cimport Match

cdef class _Node:
    cdef public object best, group
    cdef public bytes prefix
    cdef public _Node parent
    cdef public Match sure

cdef class Bucket:
    cdef public object best
    cdef public list keys, nodes

    @cython.locals(node=_Node, found=Match, match=Match)
    cpdef object search(self, request, bytes path, limit)

cdef class WideBucket:
    cdef public object best
    cdef public Bucket narrow, wide

    @cython.locals(found=Match)
    cpdef object search(self, request, bytes path, limit)
