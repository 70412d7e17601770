cdef class FoundEntity:
    cdef public object consumer, kind
    cdef public double end
    cdef bytes _raw
    cdef object _fields, _identity, _opened

    cpdef object identity(self, identifier=*)

cdef class WorkerCredentials:
    cdef object _clock, _directory, _open, _sealer
    cdef readonly dict _old, _young
    cdef dict _openers

    cpdef FoundEntity find(self, kind, field, value)
