cimport cython
from gateline.engine.upstream.balancer cimport Algorithm, CompiledTarget
from gateline.engine.upstream.load cimport Load

cdef class InTurn(Algorithm):
    cdef list _targets
    cdef Py_ssize_t _turn

    @cython.locals(targets=list, target=CompiledTarget, tried=list)
    cpdef CompiledTarget pick(self, exchange)
    @cython.locals(turn=Py_ssize_t)
    cdef CompiledTarget _next(self)

cdef class Turn:
    cdef public CompiledTarget target
    cdef public double at, weight

    @cython.locals(load=Load)
    cpdef object take(self, double share)

cdef class RoundRobin(Algorithm):
    cdef list _heap, _targets
    cdef double _slow_start

    @cython.locals(heap=list, turn=Turn, tried=list)
    cpdef CompiledTarget pick(self, exchange)
    @cython.locals(load=Load, slow_start=cython.double)
    cdef object _take(self, Turn turn)

@cython.locals(size=Py_ssize_t, place_of=Py_ssize_t, child=Py_ssize_t, turn=Turn, least=Turn, other=Turn)
cdef object _sink(list heap)
