cdef object _ABSENT

cdef class GenerationalCache:
    cdef dict _old, _young
    cdef Py_ssize_t _half

    cpdef object get(self, object key, object default=*)
    cpdef object put(self, object key, object value)
