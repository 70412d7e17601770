cimport cython

cdef class Wheel:
    cdef double _grain
    cdef long long _next
    cdef dict _slots

    @cython.locals(slot="long long", there=dict)
    cpdef long long add(self, what, double when)
    @cython.locals(there=dict)
    cpdef object discard(self, what, long long slot)
    @cython.locals(last="long long", found=list, slots=dict, there=dict)
    cpdef list due(self, double now)
