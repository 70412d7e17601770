cimport cython
from gateline.engine.edits cimport RequestEdits
from gateline.engine.identification cimport tell_service
from gateline.engine.peer cimport Peer as CPeer
from gateline.engine.plugin_run cimport PluginRun
from gateline.engine.router.interface cimport Match as CMatch
from gateline.engine.runtime cimport CompiledRoute as CRoute
from gateline.engine.streams cimport ClientStream as CClientStream, ExchangeHandler as CExchangeHandler, UpstreamStream as CUpstreamStream
from gateline.engine.upstream.balancer cimport CompiledTarget as CTarget
from gateline.engine.upstream.watch cimport Watch as CWatch
from gateline.engine.wire._codec cimport RequestHead as CRequestHead, ResponseHead as CResponseHead
from gateline.pdk.memory cimport AnyExchange, Memory as CMemory

cdef class Exchange(AnyExchange):
    cdef public CRequestHead head
    cdef public CExchangeHandler proxy
    cdef public CClientStream downstream
    cdef public CUpstreamStream upstream
    cdef public object client_ip, kept, retrying, sni, trailers
    cdef public str upstream_ip
    cdef public CMatch match
    cdef public CPeer peer
    cdef public CRoute route
    cdef public CTarget target
    cdef public CWatch watch
    cdef public list failures, tried
    cdef public bytes cookie_line, hashed, host, method, path, query, request_bytes, request_id, upstream_path
    cdef public bint informed, over, request_done, responded, tls, tunnel
    cdef public PluginRun run
    cdef public long long body_bytes, head_bytes, request_length, response_bytes
    cdef public int port, status, tries
    cdef public double began, read_timeout, received, sent, upstream_latency, write_timeout

    cpdef object begin(self, CExchangeHandler proxy, CClientStream client, CRequestHead head, double now)
    @cython.locals(run=PluginRun)
    cpdef bint has_any(self, tuple names) except -1
    cpdef object recall(self, CMemory memory)
    cpdef object remember(self, CMemory memory, made)
    @cython.locals(run=PluginRun, edits=RequestEdits, method=bytes, query=bytes, route=str, consumer=str, scheme=bytes, said=bytes, header=bytes)
    cdef object _known(self, CMemory memory, made)
    @cython.locals(run=PluginRun)
    cpdef object authenticate(self, identity)
    @cython.locals(run=PluginRun)
    cpdef object log_field(self, name, value)
    cpdef PluginRun _plugin_run(self)
    @cython.locals(run=PluginRun)
    cpdef object request_data(self, bytes data)
    @cython.locals(run=PluginRun)
    cpdef object request_end(self, list trailers)
    cpdef object client_lost(self)
    cpdef object client_paused(self)
    cpdef object client_resumed(self)
    @cython.locals(watch=CWatch)
    cpdef object connected(self, CUpstreamStream upstream, double now)
    cpdef object interim_response(self, head)
    @cython.locals(watch=CWatch)
    cpdef object response_begun(self, CResponseHead head, long long length, bytes body, bint ended, double now)
    @cython.locals(now=cython.double)
    cpdef object switched(self, head, bytes data)
    cpdef object response_data(self, bytes data)
    cpdef object response_end(self, list trailers)
    @cython.locals(watch=CWatch, now=cython.double)
    cpdef object upstream_failed(self, failure, bint stale)
    cpdef object begin_try(self, CWatch watch)
    @cython.locals(watch=CWatch)
    cpdef object end_try(self, double now)
    cpdef object upstream_paused(self)
    cpdef object upstream_resumed(self)
    cpdef object refuse(self, failure, bytes extra=*)
    @cython.locals(run=PluginRun)
    cpdef object answer(self, int status, bytes block, bytes body)
    cpdef object complete(self, double now)
    cpdef object _over(self)
