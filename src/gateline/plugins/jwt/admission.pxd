cimport cython
from gateline.plugins.jwt.finding cimport TokenPlaces
from gateline.plugins.jwt.verified cimport Verified, VerifiedTokens

cdef VerifiedTokens verified

cdef class Admission:
    cdef object _excuse, _judge, _now, _number, _pass_over
    cdef TokenPlaces _places

    @cython.locals(known=Verified)
    cpdef object access(self, exchange)
