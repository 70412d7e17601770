cimport cython

cdef class KeyCheck:
    cdef object _find, _plugin
    cdef bint _hide, _in_body, _in_header, _in_query, _strict
    cdef tuple _names

    cpdef object access(self, exchange)
    @cython.locals(values=list)
    cpdef object _key(self, exchange)
