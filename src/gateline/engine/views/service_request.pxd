cimport cython
from gateline.engine.edits cimport RequestEdits
from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun

cdef class ServiceRequestView:
    cdef Exchange _exchange

    @cython.locals(run=PluginRun)
    cpdef RequestEdits _edits(self)
    @cython.locals(edits=RequestEdits)
    cpdef object set_header(self, name, value)
    cpdef object add_header(self, name, value)
    cpdef object remove_header(self, name)
