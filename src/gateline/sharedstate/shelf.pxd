cimport cython
from gateline.sharedstate.recent cimport Recent
from gateline.sharedstate.shelf_bodies cimport KeptValue
from gateline.sharedstate.versions cimport Versions

cdef class SharedShelf:
    cdef public object bodies, limit
    cdef object _begin, _claims, _clock, _ends, _entries, _environment, _files, _largest, _meta, _purged, _stamps
    cdef object _tags, _used
    cdef bint _durable
    cdef Recent _recent
    cdef set _touched
    cdef Versions _versions

    @cython.locals(found=KeptValue, touched=set)
    cpdef KeptValue get(self, str key)
