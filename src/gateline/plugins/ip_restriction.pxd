from gateline.pdk.generational_cache cimport GenerationalCache

cdef object _NEW

cdef class Verdicts:
    cdef object _allow, _deny, _message
    cdef int _status
    cdef GenerationalCache _known

    cpdef object _remembered(self, str address)
    cpdef object _verdict(self, str address)
