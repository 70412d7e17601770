cimport cython
from gateline.engine.edits cimport ResponseEdits, header_key
from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun
from gateline.pdk.header_changes cimport HeaderChanges as CHeaderChanges

cdef class _View:
    cdef Exchange _exchange

    cpdef PluginRun _run(self)

cdef class ServiceResponseView(_View):
    pass

cdef class ResponseView(_View):
    @cython.locals(run=PluginRun, edits=ResponseEdits)
    cpdef ResponseEdits _edits(self)
    @cython.locals(run=PluginRun, edits=ResponseEdits)
    cpdef object header(self, name)
    cpdef object set_header(self, name, value)
    @cython.locals(run=PluginRun)
    cpdef object add_header(self, name, value)
    cpdef object remove_header(self, name)
    cpdef object set_default_headers(self, lines)
    cpdef object change_headers(self, CHeaderChanges changes)
    cpdef object set_values(self, form, values)
