cimport cython
from gateline.engine.upstream.balancer cimport Algorithm, CompiledTarget
from gateline.engine.upstream.load cimport Load
from gateline.engine.upstream.round_robin cimport Turn

cdef class LeastConnections(Algorithm):
    cdef list _targets, _turns
    cdef double _slow_start

    @cython.locals(best=CompiledTarget, tried=list)
    cpdef CompiledTarget pick(self, exchange)
    @cython.locals(slow_start=cython.double, now=cython.double, share=cython.double, best_share=cython.double, best=Turn, turn=Turn, load=Load, busy=cython.double, least=cython.double)
    cdef CompiledTarget _best(self, list tried)
    @cython.locals(turn=Turn, earliest=cython.double)
    cdef object _catch_up(self, double now)
