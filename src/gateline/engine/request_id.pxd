cdef list _ids
cdef Py_ssize_t _given

cpdef bytes next_request_id()
