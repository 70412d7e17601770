cdef class CompiledTarget:
    cdef public object pool
    cdef public bytes host_line

cdef class Balancer:
    cdef list _order
    cdef Py_ssize_t _turn

    cpdef CompiledTarget next(self)
    cpdef object take_over(self, Balancer other)
