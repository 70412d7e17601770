cdef class HeaderChanges:
    cdef public list noted
    cdef public tuple prepared
