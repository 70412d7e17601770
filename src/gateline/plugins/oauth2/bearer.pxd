cimport cython

cdef class Refusals:
    cdef public object invalid, missing, too_global

cdef class _Known:
    cdef object application, found, identity
    cdef str application_id, scope, service, user
    cdef double end

cdef class Bearers:
    cdef object _find, _get, _header, _now
    cdef bint _global, _hide
    cdef Refusals _refusals
    cdef dict _known

    @cython.locals(refusals=Refusals, known=_Known, text=str)
    cpdef object identify(self, exchange)
    @cython.locals(known=_Known)
    cdef _Known _learned(self, str text, found)
    @cython.locals(given=str, parts=list)
    cdef str _token(self, exchange)

cdef object _identity(_Known known, application)
