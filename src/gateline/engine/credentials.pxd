cimport cython
from gateline.sharedstate.directory cimport Directory as CDirectory

# It refers to nothing that refers to it: the collector would only look at it for nothing.
@cython.no_gc
cdef class FoundEntity:
    cdef public object consumer, kind
    cdef public double end
    cdef bytes _raw
    cdef object _fields, _identity, _opened

    cpdef object identity(self, identifier=*)

cdef class WorkerCredentials:
    cdef object _clock, _open, _sealer
    cdef CDirectory _directory
    cdef readonly dict _old, _young
    cdef dict _finders, _openers
    cdef public long long renewals

    cpdef FoundEntity find(self, kind, field, value)
    cpdef FoundEntity get(self, kind, id)
    @cython.locals(of=bytes)
    cpdef FoundEntity made(self, kind, bytes raw)
    cpdef object _consumer(self, bytes raw, bytes fields=*)
    cpdef object _keep(self, key, found)

cdef class Finder:
    cdef WorkerCredentials _credentials
    cdef str _field, _kind
    cdef dict _found
    cdef long long _renewals

    @cython.locals(found=FoundEntity, credentials=WorkerCredentials)
    cpdef FoundEntity find(self, value)
