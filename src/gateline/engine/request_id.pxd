cimport cython

cdef list _ids

@cython.locals(digits=bytes, at=Py_ssize_t)
cpdef bytes next_request_id()
