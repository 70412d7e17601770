from gateline.engine.exchange cimport Exchange

cdef class _PeerView:
    cdef Exchange _exchange

cdef class ClientView(_PeerView):
    pass

cdef class ConnectionView(_PeerView):
    pass
