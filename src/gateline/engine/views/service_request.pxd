cimport cython
from gateline.engine.edits cimport RequestEdits, header_key, header_value
from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun
from gateline.pdk.header_changes cimport HeaderChanges as CHeaderChanges

cdef class ServiceRequestView:
    cdef Exchange _exchange

    @cython.locals(run=PluginRun, edits=RequestEdits)
    cpdef RequestEdits _edits(self)
    @cython.locals(edits=RequestEdits)
    cpdef object set_header(self, name, value)
    @cython.locals(edits=RequestEdits)
    cpdef object set_default_headers(self, lines)
    cpdef object change_headers(self, CHeaderChanges changes)
    cpdef object add_header(self, name, value)
    cpdef object remove_header(self, name)
