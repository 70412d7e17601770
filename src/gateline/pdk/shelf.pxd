cdef class Kept:
    cdef public bytes body, head
    cdef public long long length
    cdef public object made

cdef class Shelf:
    cpdef Kept get(self, str key)
