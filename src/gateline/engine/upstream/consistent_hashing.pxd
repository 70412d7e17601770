cimport cython
from gateline.engine.upstream.balancer cimport Algorithm, CompiledTarget

cdef unsigned long long _ALL, _FIRST, _GAMMA, _SECOND
cdef double _UNIT

cdef class ConsistentHashing(Algorithm):
    cdef list _seeds, _targets
    cdef object _inputs, _owners
    cdef Algorithm _otherwise
    cdef unsigned long long _slots

    @cython.locals(targets=list, tried=list, slot="unsigned long long", place=Py_ssize_t)
    cpdef CompiledTarget pick(self, exchange)
    cpdef object fraction(self, exchange)
    @cython.locals(seeds=list, owner=Py_ssize_t, place=Py_ssize_t, highest=cython.double, bid=cython.double, chance=cython.double, seed="unsigned long long", target=CompiledTarget)
    cdef Py_ssize_t _owner(self, unsigned long long slot, list tried)

cdef unsigned long long _mixed(unsigned long long number)
