cimport cython

cdef int _QUOTE, _PLUS, _SLASH, _EQUALS, _BACKSLASH

cdef dict _headers

cdef class Header:
    cdef public dict fields
    cdef public str algorithm, fault

cdef class Token:
    cdef public object header
    cdef public dict claims
    cdef public str algorithm
    cdef public bytes signed
    cdef public bytes signature

@cython.locals(first=Py_ssize_t, last=Py_ssize_t, written=bytes, part=bytes, payload=bytes, signature=bytes, header=Header)
cpdef Token parse(str text)
cdef Header _header(bytes part)
cpdef bytes base64url(bytes part)
cdef bint _repeats(bytes data, value) except -1
cdef Py_ssize_t _texts(value) except -1
@cython.locals(total=Py_ssize_t)
cdef Py_ssize_t _texts_of_members(dict members) except -1
@cython.locals(total=Py_ssize_t)
cdef Py_ssize_t _texts_of_items(list items) except -1
