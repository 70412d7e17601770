from gateline.engine.upstream.load cimport Load
from gateline.engine.upstream.watch cimport Watch

cdef class CompiledTarget:
    cdef public object pool
    cdef public bytes host_line
    cdef public Load load
    cdef public Watch watch
    cdef public object gate
    cdef public int weight

cdef class Algorithm:
    cpdef CompiledTarget pick(self, exchange)

cdef class Balancer:
    cdef Algorithm _algorithm
    cdef CompiledTarget _only

    cpdef CompiledTarget pick(self, exchange)
    cpdef object take_over(self, Balancer other)
