cdef class Signature:
    cdef readonly str algorithm, username, value
    cdef readonly object covers
    cdef readonly tuple names

    cpdef bint fits(self, request, str secret) except -1
    cdef bytes _signed(self, request)

cpdef Signature signature_of(str header)
cdef str _line(request, str name)
