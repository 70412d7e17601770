cimport cython
from gateline.engine.chain cimport Chain, PluginSet
from gateline.engine.edits cimport RequestEdits
from gateline.engine.exchange cimport Exchange
from gateline.engine.headers cimport ResponseHeaders
from gateline.engine.peer cimport Peer
from gateline.engine.phases cimport Phases
from gateline.engine.plugin_run cimport PluginRun
from gateline.engine.runtime cimport CompiledRoute, CompiledService, Runtime
from gateline.engine.request_id cimport next_request_id
from gateline.engine.router.interface cimport Match
from gateline.engine.streams cimport ExchangeHandler, PooledStream
from gateline.engine.upstream.balancer cimport CompiledTarget
from gateline.engine.upstream.pool cimport Pool
from gateline.engine.upstream.watch cimport Watch
from gateline.engine.wire._codec cimport RequestHead as CRequestHead, ResponseHead as CResponseHead, joined

cdef unsigned int _REQUEST_DROP, _RESPONSE_DROP, _RESPONSE_DROP_TRAILER, _OWN_LINES, _EXPECT

cdef class Proxy(ExchangeHandler):
    cdef public Runtime runtime
    cdef public object trusted, access_log, destinations, tries
    cdef public Phases phases
    cdef public ResponseHeaders response_headers
    cdef public long long body_limit, total_requests
    cdef object _errors
    cdef bytes _request_id_name
    cdef public bint debug_header

    cpdef object handle(self, Exchange exchange)
    @cython.locals(head=CRequestHead, peer=Peer, route=CompiledRoute, plugins=PluginSet, match=Match)
    cpdef object _route(self, Exchange exchange)
    @cython.locals(chain=Chain, match=Match, route=CompiledRoute)
    cpdef object _route_with_plugins(self, Exchange exchange, PluginSet plugins, PluginRun run)
    @cython.locals(target=CompiledTarget, route=CompiledRoute, service=CompiledService, run=PluginRun, path=bytes)
    cpdef object forward(self, Exchange exchange)
    @cython.locals(head=CRequestHead, path=bytes, start=bytes, run=PluginRun, edits=RequestEdits)
    cpdef bytes _encode(self, Exchange exchange, CompiledRoute route, bytes host_line)
    @cython.locals(head=CRequestHead, query=bytes, path=bytes, host=bytes, start=bytes, tail=bytes, drop="unsigned int")
    cpdef bytes _encode_edited(self, Exchange exchange, CompiledRoute route, bytes host_line, RequestEdits edits)
    cpdef CompiledTarget _edited_target(self, Exchange exchange, RequestEdits edits, CompiledService service)
    @cython.locals(head=CRequestHead, peer=Peer, tail=bytes)
    cpdef bytes _tail(self, Exchange exchange, CompiledRoute route)
    @cython.locals(pool=Pool, target=CompiledTarget, watch=Watch, run=PluginRun, timeout=cython.double, upstream=PooledStream)
    cpdef object _acquire(self, Exchange exchange, CompiledService service, bint fresh)
    cpdef object respond(self, exchange, CResponseHead head, long long length, bytes body, bint ended, double now)
    @cython.locals(run=PluginRun, drop="unsigned int")
    cpdef object _respond(self, Exchange exchange, CResponseHead head, long long length, bytes body, bint ended, double now)
    cpdef bytes _proxied_block(self, Exchange exchange, CResponseHead head)
    cpdef object finished(self, exchange)
    @cython.locals(run=PluginRun)
    cpdef object _account(self, Exchange exchange)
