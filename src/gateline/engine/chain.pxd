cdef class Step:
    cdef public object call, plugin
    cdef public bint coroutine, reads
    cdef public object name

cdef class PluginSet

cdef class Chain:
    cdef str _protocol, _route, _service
    cdef Chain _base
    cdef dict _personal
    cdef public tuple access, body_filter, certificate, header_filter, log, response, rewrite
    cdef public bint empty, filters
    cdef public dict order
    cdef public PluginSet plugins

    cpdef Chain personal(self, identity)
    cpdef Chain for_people(self, str consumer, tuple groups)

cdef class PluginSet:
    cdef object _by_key, _in_force
    cdef public bint personal, rewrites
    cdef public Chain everywhere, everywhere_tls
    cdef public tuple certificates
