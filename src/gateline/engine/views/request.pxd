cimport cython
from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun

cdef class RequestView:
    cdef Exchange _exchange

    @cython.locals(exchange=Exchange, run=PluginRun)
    cpdef object header(self, name)
    @cython.locals(exchange=Exchange, run=PluginRun)
    cpdef list header_values(self, name)
