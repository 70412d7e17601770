cimport cython
from gateline.engine.upstream.load cimport Load
from gateline.engine.upstream.watch cimport Watch

cdef class CompiledTarget:
    cdef public object among, opening, pool
    cdef public bytes host_line
    cdef public str place
    cdef public Load load
    cdef public Watch watch
    cdef public object gate
    cdef public int weight

cdef class Algorithm:
    cpdef CompiledTarget pick(self, exchange)

cdef class Balancer:
    cdef Algorithm _algorithm
    cdef CompiledTarget _only

    @cython.locals(only=CompiledTarget, target=CompiledTarget)
    cpdef CompiledTarget pick(self, exchange)
    cpdef object take_over(self, Balancer other)
