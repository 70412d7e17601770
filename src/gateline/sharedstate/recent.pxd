cimport cython
from gateline.sharedstate.shelf_bodies cimport KeptValue

cdef class Recent:
    cdef dict _old, _young
    cdef long long _half, _largest, _old_size, _young_size

    @cython.locals(found=KeptValue)
    cpdef KeptValue get(self, str key)
    @cython.locals(size="long long")
    cpdef object put(self, str key, KeptValue value)
    @cython.locals(known=KeptValue)
    cpdef object remove(self, str key)

cdef long long _size(KeptValue value)
