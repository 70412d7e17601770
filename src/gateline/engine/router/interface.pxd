cdef class Captures:
    cdef object _names
    cdef public tuple numbered

cdef class Match:
    cdef public object captures, rank, route
    cdef public bytes prefix
