cimport cython

# It refers to nothing that refers to it: the collector would only look at it for nothing.
@cython.no_gc
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
    cpdef FoundEntity get(self, kind, id)
    @cython.locals(of=bytes)
    cpdef FoundEntity made(self, kind, bytes raw)
    cpdef object _consumer(self, bytes raw)
    cpdef object _keep(self, key, found)
