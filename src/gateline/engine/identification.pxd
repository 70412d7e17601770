cimport cython
from gateline.engine.edits cimport RequestEdits

cdef dict _told

@cython.locals(told=tuple, changed=dict)
cpdef object tell_service(RequestEdits edits, identity)
