cdef class Token:
    cdef public object header
    cdef public dict claims
    cdef public str algorithm
    cdef public bytes signed
    cdef public bytes signature

cpdef Token parse(str text)
cpdef bytes base64url(bytes part)
cdef bint _repeats(bytes data, value) except -1
cdef Py_ssize_t _texts(value) except -1
