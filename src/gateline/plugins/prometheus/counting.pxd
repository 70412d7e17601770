cimport cython

cdef class Sent:
    cdef dict _labels, _statuses
    cdef object _requests, egress, ingress

    @cython.locals(status=int, key=int)
    cpdef object count(self, account)

cdef class OfRoute:
    cdef dict _labels, _people
    cdef object _metrics, gateway, route, total, upstream
    cdef Sent _sent

    cpdef Sent sent(self)
    cpdef Sent sent_by(self, str consumer)

cdef class Counting:
    cdef object _metrics
    cdef bint _per_consumer, _sends
    cdef dict _routes

    @cython.locals(known=OfRoute)
    cpdef object log(self, exchange)
    cpdef OfRoute _named(self, exchange, route)
