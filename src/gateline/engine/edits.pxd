cimport cython
from gateline.engine.wire._codec cimport Head as CHead, header_line

cdef int _OWN_IN_REQUESTS, _OWN_IN_RESPONSES
cdef dict _known

cpdef tuple header_key(name)
cpdef bytes header_value(value)
cpdef bytes _line(bytes begin, value)
cpdef bytes _block_of(bytes key, CHead head)

@cython.freelist(64)
cdef class HeaderEdits:
    cdef public dict changed
    cdef public int own

    cpdef object set_line(self, name, value)
    @cython.locals(prepared=tuple, changed=dict, opened=list, at=cython.Py_ssize_t)
    cpdef object set_values(self, form, values)
    cpdef object add_line(self, name, value, CHead head)
    cpdef object default_lines(self, object wanted, CHead head)
    cpdef object replace_line(self, name, value, CHead head)
    cpdef object remove(self, name)

cdef class RequestEdits(HeaderEdits):
    cdef public bytes body, host, method, path, query
    cdef public object destination, place, scheme
    cdef public double connect_timeout, read_timeout, write_timeout
    cdef public int retries

cdef class ResponseEdits(HeaderEdits):
    cdef public bytes body
    cdef public int status
