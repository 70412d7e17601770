cpdef tuple header_key(name)
cpdef bytes header_value(value)

cdef class HeaderEdits:
    cdef public dict changed
    cdef public int own

    cpdef object set_line(self, name, value)
    cpdef object default_lines(self, object wanted, object head)
    cpdef bytes block(self)

cdef class RequestEdits(HeaderEdits):
    cdef public bytes body, host, method, path, query
    cdef public object destination, place, scheme
    cdef public double connect_timeout, read_timeout, write_timeout
    cdef public int retries

cdef class ResponseEdits(HeaderEdits):
    cdef public bytes body
    cdef public int status
