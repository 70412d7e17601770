cimport cython
from gateline.pdk.shelf cimport Kept, Shelf
from gateline.sharedstate.recent cimport Recent
from gateline.sharedstate.shelf_bodies cimport KeptValue
from gateline.sharedstate.versions cimport Versions

cdef class SharedShelf(Shelf):
    cdef public object bodies, limit
    cdef object _begin, _claims, _clock, _complained, _ends, _entries, _environment, _files, _largest, _meta, _purged, _stamps
    cdef object _tags, _used
    cdef bint _durable
    cdef Recent _recent
    cdef set _touched
    cdef Versions _versions

    @cython.locals(found=KeptValue, touched=set, now=cython.double)
    cpdef Kept get(self, str key)
    @cython.locals(found=KeptValue, place=Py_ssize_t, version=cython.ulonglong)
    cdef KeptValue _found(self, str key)
