cimport cython
from gateline.pdk.generational_cache cimport GenerationalCache

cdef class Judged:
    cdef object changes, consumer, found
    cdef bint passes

cdef class Membership:
    cdef bint _allows, _always_authenticated, _hides, _includes
    cdef object _of_consumer
    cdef frozenset _listed
    cdef GenerationalCache _known

    @cython.locals(judged=Judged)
    cpdef object access(self, exchange)
    @cython.locals(known=Judged)
    cpdef Judged _of(self, consumer)
    cpdef Judged _judged(self, found, consumer, groups)
