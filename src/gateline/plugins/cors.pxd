cimport cython
from gateline.pdk.generational_cache cimport GenerationalCache

cpdef bint _is_preflight(request) except -1

cdef class Told:
    cdef object changes, origin
    cdef bint depends

cdef class Telling:
    cdef bint _any, _credentials, _origin_matters, _origin_needed, _private_network, _service_is_asked
    cdef object _exposed, _headers, _matching, _one
    cdef GenerationalCache _known
    cdef dict _fixed

    @cython.locals(told=Told)
    cpdef object access(self, exchange)
    cpdef Told _told(self, origin)
    cpdef Told _tell(self, origin)
    cpdef tuple _allowed(self, origin)
