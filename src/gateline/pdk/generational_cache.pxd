cdef class GenerationalCache:
    cdef dict _old, _young
    cdef Py_ssize_t _half

    cpdef object get(self, object key)
    cpdef object put(self, object key, object value)
