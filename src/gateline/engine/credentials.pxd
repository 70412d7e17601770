cimport cython
from gateline.pdk.generational_cache cimport GenerationalCache
from gateline.sharedstate.directory cimport Directory as CDirectory

cdef Py_ssize_t _BESIDES, _END, _LENGTH, _OF

cdef Py_ssize_t _length_of(bytes row)

cdef class FoundEntity:
    cdef public object consumer, kind
    cdef public double end
    cdef bytes _raw
    cdef object _fields, _identity, _opened

    cpdef object identity(self, identifier=*)

cdef class WorkerCredentials:
    cdef object _clock, _open, _sealer
    cdef GenerationalCache _consumers, _found
    cdef CDirectory _directory
    cdef dict _finders, _openers
    cdef public long long renewals

    cpdef FoundEntity find(self, kind, field, value)
    cpdef Finder _finder(self, kind, field)
    cpdef FoundEntity get(self, kind, id)
    @cython.locals(start=Py_ssize_t, end=Py_ssize_t)
    cpdef FoundEntity made(self, kind, bytes raw, opener)
    cpdef object _consumer(self, bytes of)
    cpdef bytes row(self, bytes before, str value)
    cpdef object now(self)

cdef class Finder:
    cdef WorkerCredentials _credentials
    cdef str _kind
    cdef bytes _before
    cdef object _opener
    cdef GenerationalCache _found
    cdef long long _renewals

    @cython.locals(found=FoundEntity, credentials=WorkerCredentials)
    cpdef FoundEntity find(self, value)
