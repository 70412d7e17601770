cimport cython
from gateline.plugins.limits.telling cimport Telling as CTelling
from gateline.plugins.limits.windows cimport Windows as CWindows

cdef class NodeLimit:
    cdef object _count, _subject, _time
    cdef str _prefix
    cdef CTelling _telling
    cdef CWindows _windows

    @cython.locals(windows=CWindows)
    cpdef object access(self, exchange)
