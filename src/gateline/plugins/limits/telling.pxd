cimport cython

cdef class Telling:
    cdef bint _hidden
    cdef long long _reset
    cdef object _code, _form, _message
    cdef str _reset_text
    cdef tuple _bounds, _texts

    @cython.locals(told=list, place=cython.Py_ssize_t, tightest=cython.Py_ssize_t, reset=cython.longlong)
    cpdef object told(self, exchange, list values, list resets, bint counted)
