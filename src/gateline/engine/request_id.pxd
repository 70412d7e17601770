cimport cython

cdef bytes _drawn
cdef Py_ssize_t _given, _SIZE

@cython.locals(begun=Py_ssize_t)
cpdef bytes next_request_id()
