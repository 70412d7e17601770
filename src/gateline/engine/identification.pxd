cimport cython
from gateline.engine.edits cimport RequestEdits

cdef class _Told:
    cdef object identity
    cdef dict blocks

cdef dict _told

@cython.locals(told=_Told)
cpdef object tell_service(RequestEdits edits, identity)
