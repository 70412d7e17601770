cimport cython
from gateline.engine.wire._codec cimport Head as CHead, header_line
from gateline.pdk.header_changes cimport HeaderChanges as CHeaderChanges

cdef int _OWN_IN_REQUESTS, _OWN_IN_RESPONSES
cdef int _SET, _ADD, _DEFAULT, _REPLACE
cdef dict _known

cdef class KnownName:
    cdef readonly bytes key, begin
    cdef readonly int kind

cdef class _Change:
    cdef int action, kind
    cdef bytes key, begin, line

@cython.locals(known=KnownName)
cpdef KnownName known_name(name)
cpdef bytes header_key(name)
cpdef bytes header_value(value)
cpdef bytes _line(bytes begin, value)
cpdef bytes _block_of(bytes key, CHead head)

cdef class HeaderEdits:
    cdef public dict changed
    cdef public int own

    @cython.locals(known=KnownName)
    cpdef object set_line(self, name, value)
    @cython.locals(prepared=tuple, changed=dict, opened=list, at=cython.Py_ssize_t)
    cpdef object set_values(self, form, values)
    @cython.locals(known=KnownName)
    cpdef object add_line(self, name, value, CHead head)
    @cython.locals(known=KnownName)
    cpdef object default_lines(self, object wanted, CHead head)
    cpdef object _default(self, bytes key, bytes line, CHead head)
    @cython.locals(change=_Change, key=bytes, changed=dict, prepared=tuple)
    cpdef object change(self, CHeaderChanges changes, CHead head)
    @cython.locals(key=bytes, line=bytes, block=bytes)
    cpdef object _change_lines(self, _Change change, CHead head)
    @cython.locals(known=KnownName, block=bytes)
    cpdef object replace_line(self, name, value, CHead head)
    @cython.locals(known=KnownName)
    cpdef object remove(self, name)

cdef class RequestEdits(HeaderEdits):
    cdef public bytes body, host, method, path, query
    cdef public object destination, place, scheme
    cdef public double connect_timeout, read_timeout, write_timeout
    cdef public int retries

cdef class ResponseEdits(HeaderEdits):
    cdef public bytes body
    cdef public int status
