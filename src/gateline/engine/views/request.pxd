cimport cython
from gateline.engine.edits cimport RequestEdits, header_key
from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun

cdef class RequestView:
    cdef Exchange _exchange

    @cython.locals(exchange=Exchange, run=PluginRun, value=bytes)
    cpdef object header(self, name)
    @cython.locals(exchange=Exchange, run=PluginRun, value=bytes)
    cpdef list header_values(self, name)
    @cython.locals(exchange=Exchange, run=PluginRun, edits=RequestEdits)
    cpdef bint has_any(self, tuple names) except -1
