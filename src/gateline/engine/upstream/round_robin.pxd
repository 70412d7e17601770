cimport cython
from gateline.engine.exchange cimport Exchange
from gateline.engine.upstream.balancer cimport Algorithm, CompiledTarget

cdef class RoundRobin(Algorithm):
    cdef list _order
    cdef Py_ssize_t _turn

    @cython.locals(order=list, target=CompiledTarget, tried=list)
    cpdef CompiledTarget pick(self, exchange)
    cdef CompiledTarget _next(self)
