cdef class Membership:
    cdef bint _allows, _always_authenticated, _hides, _includes
    cdef object _of_consumer
    cdef frozenset _listed
    cdef dict _known

    cpdef object _of(self, consumer)
    cpdef object _judged(self, found, consumer, groups)
