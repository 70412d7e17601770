from gateline.engine.chain cimport Chain, PluginSet
from gateline.engine.router.interface cimport Match as CMatch
from gateline.engine.router.matcher cimport Router as CRouter
from gateline.engine.upstream.balancer cimport Balancer

cdef class CompiledService:
    cdef public object entity, gate, id, load, name, retry_rules
    cdef public Balancer balancer
    cdef public bint balanced
    cdef public double connect_timeout, read_timeout, write_timeout
    cdef public int retries

cdef class CompiledRoute:
    cdef dict _prefix_lines
    cdef PluginSet _plugins
    cdef Chain _chain, _chain_tls
    cdef public object entity, forwarded_prefix, id, name, retry_rules, upstream_path
    cdef public CompiledService service
    cdef public bint grpc, https_only, path_unchanged, preserve_host, special, strip_path
    cdef public int https_redirect_status

    cpdef Chain chain(self, PluginSet plugins, bint tls)
    cpdef bytes prefix_line(self, CMatch match)

cdef class Runtime:
    cdef public object hash, version
    cdef public PluginSet plugins
    cdef public CRouter router
    cdef public double shortest_timeout
