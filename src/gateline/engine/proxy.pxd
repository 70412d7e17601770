cimport cython
from gateline.engine.edits cimport RequestEdits
from gateline.engine.exchange cimport Exchange
from gateline.engine.headers cimport ResponseHeaders
from gateline.engine.peer cimport Peer
from gateline.engine.plugin_run cimport PluginRun
from gateline.engine.runtime cimport CompiledRoute, CompiledService
from gateline.engine.upstream.balancer cimport CompiledTarget
from gateline.engine.upstream.pool cimport Pool

cdef class Proxy:
    cdef public object runtime, trusted, access_log, destinations, phases
    cdef public ResponseHeaders response_headers
    cdef public long long body_limit, total_requests
    cdef object _errors
    cdef bytes _request_id_name
    cdef bint _debug_header

    cpdef object handle(self, Exchange exchange)
    @cython.locals(peer=Peer, route=CompiledRoute)
    cpdef object _route(self, Exchange exchange)
    @cython.locals(target=CompiledTarget, route=CompiledRoute, service=CompiledService, run=PluginRun)
    cpdef object forward(self, Exchange exchange)
    @cython.locals(path=bytes, start=bytes, run=PluginRun, edits=RequestEdits)
    cpdef bytes _encode(self, Exchange exchange, CompiledRoute route, bytes host_line)
    @cython.locals(peer=Peer, tail=bytes)
    cpdef bytes _tail(self, Exchange exchange, CompiledRoute route)
    @cython.locals(pool=Pool, target=CompiledTarget, run=PluginRun, timeout=cython.double)
    cpdef object _acquire(self, Exchange exchange, CompiledService service, bint fresh)
    cpdef object respond(self, Exchange exchange, head, length, bytes body, bint ended)
    @cython.locals(own=ResponseHeaders, block=bytes)
    cpdef bytes _proxied_block(self, Exchange exchange, head)
    @cython.locals(run=PluginRun)
    cpdef object finished(self, Exchange exchange)
