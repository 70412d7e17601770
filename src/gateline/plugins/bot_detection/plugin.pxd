from gateline.pdk.generational_cache cimport GenerationalCache

cdef object _NEW, _SEVERAL

cdef class Verdicts:
    cdef object _allow, _deny
    cdef GenerationalCache _known

    cpdef object _remembered(self, str agent)
    cpdef bint _refuses(self, str agent) except -1
