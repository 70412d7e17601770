cimport cython
from gateline.control.health.wheel cimport Wheel

cdef double SPREAD, FIRST
cdef long MANY

cdef class Crew:
    cdef public long busy, limit
    cdef public object waiting

cdef class Turn:
    cdef public Crew crew
    cdef public double begun, interval
    cdef public object about
    cdef public bint alive, under_way
    cdef public long long slot

cdef class Rounds:
    cdef object _begin, _chance
    cdef Wheel _wheel
    cdef long _alive

    @cython.locals(turn=Turn, crew=Crew)
    cpdef object tick(self, double now)
    @cython.locals(crew=Crew, following=Turn, pause=cython.double)
    cpdef object over(self, Turn turn, double now)
    @cython.locals(longest=cython.double)
    cdef object _first(self, Turn turn, double now)
