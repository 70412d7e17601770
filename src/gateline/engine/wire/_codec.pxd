# What other compiled modules may know of the codec: the fields of heads, which they read without a Python call.
from libc.stdint cimport uint32_t

ctypedef const unsigned char* Bytes

cdef enum:
    INLINE_SPANS = 40  # heads with more headers take heap memory for all of them

cdef struct Span:
    uint32_t name
    uint32_t name_size
    uint32_t value
    uint32_t value_size
    uint32_t kind

cdef class Limits:
    cdef readonly int line, head, count

# All fields stand here, and not with the kind of head that they belong to, as free lists work for one size only.
cdef class Head:
    cdef bytes raw
    cdef Span own_spans[INLINE_SPANS]
    cdef Span* spans
    cdef Py_ssize_t count, capacity, target_start, target_end, host_start, host_end
    cdef uint32_t present
    cdef readonly Py_ssize_t size
    cdef readonly long long length
    cdef readonly int minor, status
    cdef readonly bint keep_alive, websocket, plain_path, expect_continue, te_trailers
    cdef readonly bytes method, path, query, authority, reason

    cpdef bytes get(self, bytes name)
    cpdef list get_all(self, bytes name)
    cpdef bint has_any(self, tuple names) except -1
    cpdef uint32_t kinds(self) noexcept
    cpdef bytes encode(self, bytes start, uint32_t drop, dict edits, bytes tail, bytes body)

cpdef bytes header_line(bytes begin, value)
cpdef bytes joined(tuple parts)

cdef class RequestHead(Head):
    pass

cdef class ResponseHead(Head):
    pass
