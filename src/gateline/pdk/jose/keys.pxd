cimport cython

cdef list _INTEGERS, _SEQUENCES
cdef dict RSA

cdef class PublicKey:
    cdef public object algorithms

    cpdef bint verify(self, str algorithm, bytes signed, bytes signature) except -1

cdef class _Rsa(PublicKey):
    cdef object _check
    cdef Py_ssize_t _size

    @cython.locals(manner=tuple)
    cpdef bint verify(self, str algorithm, bytes signed, bytes signature) except -1

cdef class _Elliptic(PublicKey):
    cdef object _check, _scheme
    cdef str _name
    cdef Py_ssize_t _size

    @cython.locals(size=Py_ssize_t)
    cpdef bint verify(self, str algorithm, bytes signed, bytes signature) except -1

cdef class _Edwards(PublicKey):
    cdef object _check

    cpdef bint verify(self, str algorithm, bytes signed, bytes signature) except -1

@cython.locals(first=Py_ssize_t, second=Py_ssize_t)
cpdef bytes _der(bytes r, bytes s)
cdef bytes _shortest(bytes number)
