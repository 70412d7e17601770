cimport cython

cdef int _QUOTE, _PLUS, _SLASH, _EQUALS, _BACKSLASH

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
@cython.locals(total=Py_ssize_t)
cdef Py_ssize_t _texts_of_members(dict members) except -1
@cython.locals(total=Py_ssize_t)
cdef Py_ssize_t _texts_of_items(list items) except -1
