cimport cython
from gateline.engine.plugin_run cimport PluginRun

cdef class Exchange:
    cdef public object proxy, client_ip, downstream, head, host, kept, match, method, path, query, route, sni, target, trailers, upstream
    cdef public bytes request_bytes, request_id, upstream_path
    cdef public bint over, request_done, responded, tls, tunnel
    cdef public PluginRun run
    cdef public long long body_bytes, request_length, response_bytes
    cdef public int port, status, tries
    cdef public double read_timeout, received, sent, upstream_latency, write_timeout

    @cython.locals(run=PluginRun)
    cpdef object request_data(self, bytes data)
    @cython.locals(run=PluginRun)
    cpdef object request_end(self, list trailers)
    cpdef object client_lost(self)
    cpdef object client_paused(self)
    cpdef object client_resumed(self)
    cpdef object connected(self, upstream, double now)
    cpdef object interim_response(self, head)
    @cython.locals(run=PluginRun)
    cpdef object response_begun(self, head, length, bytes body, bint ended, double now)
    cpdef object switched(self, head, bytes data)
    cpdef object response_data(self, bytes data)
    cpdef object response_end(self, list trailers)
    cpdef object upstream_failed(self, failure, bint stale)
    cpdef object upstream_paused(self)
    cpdef object upstream_resumed(self)
    cpdef object refuse(self, failure, bytes extra=*)
    @cython.locals(run=PluginRun)
    cpdef object answer(self, int status, bytes block, bytes body)
    cpdef object complete(self, double now)
    cpdef object _over(self)
