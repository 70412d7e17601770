cdef class Peer:
    cdef bytes _authority, _host, _lines
    cdef public str address, server_address
    cdef public int listener_port, port
    cdef public long long requests, serial
    cdef public bytes scheme, sni
    cdef public bint tls, trusted

    cpdef bytes host_of(self, bytes authority)
    cpdef bytes forwarding_lines(self)
