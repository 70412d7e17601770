from gateline.engine.exchange cimport Exchange
from gateline.engine.plugin_run cimport PluginRun

cdef class Account:
    cdef readonly int status
    cdef readonly str source
    cdef readonly long long egress, ingress
    cdef readonly double gateway_ms, request_ms, upstream_ms
