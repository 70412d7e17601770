cimport cython
from gateline.engine.upstream.balancer cimport Algorithm, CompiledTarget
from gateline.engine.upstream.load cimport Load

cdef class Random(Algorithm):
    cdef list _bounds, _targets
    cdef double _slow_start

    cpdef CompiledTarget pick(self, exchange)
    @cython.locals(target=CompiledTarget, load=Load, slow_start=cython.double, now=cython.double)
    cpdef CompiledTarget one(self)
    @cython.locals(first=CompiledTarget, second=CompiledTarget)
    cpdef tuple two(self)
    @cython.locals(targets=list, bounds=list)
    cdef CompiledTarget _draw(self)
    cdef Random _among_others(self, exchange)

cdef class PowerOfTwo(Algorithm):
    cdef Random _chance

    @cython.locals(chance=Random, first=CompiledTarget, second=CompiledTarget, one=Load, two=Load)
    cpdef CompiledTarget pick(self, exchange)

cdef class Latency(Algorithm):
    cdef Random _chance
    cdef double _slow_start

    @cython.locals(chance=Random, first=CompiledTarget, second=CompiledTarget, now=cython.double)
    cpdef CompiledTarget pick(self, exchange)
    @cython.locals(load=Load, weight=cython.double)
    cdef double _cost(self, CompiledTarget target, double now)
