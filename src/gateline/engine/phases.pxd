cimport cython
from gateline.engine.chain cimport Chain, PluginSet, Step
from gateline.engine.edits cimport ResponseEdits
from gateline.engine.exchange cimport Exchange
from gateline.engine.headers cimport ResponseHeaders
from gateline.engine.plugin_run cimport PluginRun
from gateline.engine.wire._codec cimport ResponseHead as CResponseHead
from gateline.pdk.stored_response cimport StoredResponse as CStoredResponse

cdef unsigned int _DROP, _DROP_TRAILER, _SERVER, _FRAMING

cdef object _ANSWERS

cpdef bint _waits(outcome) except -1

cdef class Phases:
    cdef object _proxy
    cdef bint _debug_header
    cdef ResponseHeaders _headers
    cdef public long long body_limit

    @cython.locals(run=PluginRun, chain=Chain)
    cpdef object rewrite(self, Exchange exchange, PluginSet plugins)
    @cython.locals(chain=Chain)
    cpdef bint access(self, Exchange exchange, PluginRun run)
    @cython.locals(chain=Chain, step=Step, count=Py_ssize_t)
    cpdef bint _go(self, Exchange exchange, PluginRun run, tuple steps, Py_ssize_t place)
    cpdef object _go_on(self, Exchange exchange, PluginRun run, tuple steps, Py_ssize_t place)
    cpdef object _passed(self, Exchange exchange, PluginRun run)
    @cython.locals(chain=Chain)
    cpdef object response(self, Exchange exchange, PluginRun run, CResponseHead head, long long length, bytes body, bint ended)
    cpdef object _answer(self, Exchange exchange, PluginRun run, Step step, outcome)
    cpdef object _give(self, Exchange exchange, PluginRun run, outcome)
    @cython.locals(chain=Chain, edits=ResponseEdits, body=bytes, status=int, length="long long", lines=bytes)
    cpdef object _give_stored(self, Exchange exchange, PluginRun run, CStoredResponse stored)
    cpdef object data(self, Exchange exchange, PluginRun run, bytes data)
    cpdef object end(self, Exchange exchange, PluginRun run, trailers)
    @cython.locals(chain=Chain, edits=ResponseEdits, head=CResponseHead, status=int, framed=bint, drop="unsigned int", tail=bytes, changed=dict)
    cpdef object _send(self, Exchange exchange, PluginRun run, long long length, bytes body, bint ended)
    @cython.locals(step=Step, chain=Chain)
    cpdef bint _filter_head(self, Exchange exchange, PluginRun run)
    @cython.locals(step=Step)
    cpdef object log(self, Exchange exchange, PluginRun run)
