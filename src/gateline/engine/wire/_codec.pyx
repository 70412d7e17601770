# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=False
"""The HTTP/1 codec, compiled: received bytes become a head that knows where each header lies, and the next head is
written from those spans in one allocation. It owns the bytes of heads and of chunked bodies; it knows no socket, no
clock and no configuration but its limits. `_pycodec` is its twin in plain Python and says the same about every input.

The other parts are in the included files: `_scanning`, `_start_lines`, `_fields`, `_writing`, `_chunked`.

How it stays safe: parsing goes from left to right once, every byte is read only below `stop`, which is never beyond the
received bytes, and whatever is wrong is raised at the first byte that shows it. So a verdict about a prefix is final:
more bytes cannot change it. Nothing is modified after parsing; `encode` adds up what it will write, each addition
checked, and then writes exactly that.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from gateline.engine.wire.faults import (
    BAD_AUTHORITY, BAD_CHUNK_END, BAD_CHUNK_EXTENSION, BAD_CHUNK_SIZE, BAD_CODING, BAD_FORM, BAD_HOST, BAD_LENGTH,
    BAD_METHOD, BAD_NAME, BAD_REASON, BAD_STATUS, BAD_TARGET, BAD_TRAILER, BAD_VALUE, BAD_VERSION, BARE_CR, BARE_LF,
    CHUNK_LINE_TOO_LONG, CODING_IN_1_0, CONNECT_REFUSED, FOLDED, HEADER_TOO_LONG, LENGTH_AND_CODING, NO_HOST,
    REPEATED_CODING, REPEATED_HOST, REPEATED_LENGTH, REQUEST_LINE_TOO_LONG, SPACE_BEFORE_COLON, STATUS_LINE_TOO_LONG,
    TOO_MANY_HEADERS, TOO_MANY_OPTIONS, UNKNOWN_CODING, UNSUPPORTED_VERSION, HeadError,
)

cdef extern from "Python.h":
    bint PyBytes_CheckExact(object value)
    Py_ssize_t PyTuple_GET_SIZE(object parts)
    PyObject* PyTuple_GET_ITEM(object parts, Py_ssize_t place)  # borrowed
    Py_ssize_t PY_SSIZE_T_MAX
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    CR = 13
    LF = 10
    TAB = 9
    SPACE = 32
    MAX_METHOD = 32
    MAX_AUTHORITY = 261   # a name of 255 bytes, a colon and five digits
    MAX_OPTIONS = 64      # in Connection: bounds the work of marking what it names
    MAX_LIMIT = 1 << 30   # keeps every offset in 32 bits

# What a parser is reading; decides which semantics its header lines have.
cdef enum:
    REQUEST
    RESPONSE
    REQUEST_TRAILERS
    RESPONSE_TRAILERS

# gateline.engine.wire.kinds, mirrored.
cdef enum:
    HOP = 1 << 0
    HOST = 1 << 1
    CONTENT_LENGTH = 1 << 2
    TRANSFER_ENCODING = 1 << 3
    EXPECT = 1 << 4
    TRAILER = 1 << 5
    VIA = 1 << 6
    X_FORWARDED_FOR = 1 << 7
    X_FORWARDED_PROTO = 1 << 8
    X_FORWARDED_HOST = 1 << 9
    X_FORWARDED_PORT = 1 << 10
    X_FORWARDED_PATH = 1 << 11
    X_FORWARDED_PREFIX = 1 << 12
    X_REAL_IP = 1 << 13
    REQUEST_ID = 1 << 14
    LATENCY = 1 << 15
    SERVER = 1 << 16
    DATE = 1 << 17
    PLAIN = 1 << 18
    FRAMING = HOST | CONTENT_LENGTH | TRANSFER_ENCODING | EXPECT
    KINDS = (1 << 19) - 1
    # Beside the kind in a span: the line was received exactly as `encode` writes it; `encode` keeps it.
    CANONICAL = 1 << 29
    KEPT = 1 << 30

cdef bytes GET = b"GET"
cdef bytes POST = b"POST"
cdef bytes HEAD = b"HEAD"
cdef bytes PUT = b"PUT"
cdef bytes PATCH = b"PATCH"
cdef bytes DELETE = b"DELETE"
cdef bytes OPTIONS = b"OPTIONS"
cdef bytes SLASH = b"/"
cdef bytes OK = b"OK"
cdef bytes EMPTY = b""


@cython.final
cdef class Limits:
    """How long a line (with its CR LF) and a head may be, in bytes, and how many headers it may have."""

    def __cinit__(self, int line=8192, int head=32768, int count=1000):
        if not (0 < line <= MAX_LIMIT and 0 < head <= MAX_LIMIT and 0 <= count <= MAX_LIMIT):
            raise ValueError("limits are between 1 and 2**30")
        self.line = line
        self.head = head
        self.count = count


@cython.freelist(64)
cdef class Head:
    """What requests and responses have in common: the received bytes and where the headers lie in them."""

    def __dealloc__(self):
        if self.spans != NULL and self.spans != self.own_spans:
            PyMem_Free(self.spans)

    cpdef uint32_t kinds(self) noexcept:
        return self.present

    cpdef bytes get(self, bytes name):
        if name is None:
            raise TypeError("a name must be bytes")
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(self.raw)
        cdef Bytes q = <Bytes> PyBytes_AS_STRING(name)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
        cdef Py_ssize_t i
        cdef Span* span
        for i in range(self.count):
            span = &self.spans[i]
            if span.name_size == size and same_name(p + span.name, q, size):
                return PyBytes_FromStringAndSize(<const char*> p + span.value, span.value_size)
        return None

    cpdef list get_all(self, bytes name):
        if name is None:
            raise TypeError("a name must be bytes")
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(self.raw)
        cdef Bytes q = <Bytes> PyBytes_AS_STRING(name)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
        cdef Py_ssize_t i
        cdef Span* span
        cdef list values = []
        for i in range(self.count):
            span = &self.spans[i]
            if span.name_size == size and same_name(p + span.name, q, size):
                values.append(PyBytes_FromStringAndSize(<const char*> p + span.value, span.value_size))
        return values

    cpdef bint has_any(self, tuple names) except -1:
        if names is None:
            raise TypeError("names must be a tuple")
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(self.raw)
        cdef uint64_t sizes = 0  # of the names, modulo 64: most headers are none of them by that alone
        cdef Py_ssize_t i
        cdef Span* span
        cdef bytes name
        for name in names:
            if name is None:
                raise TypeError("a name must be bytes")
            sizes |= <uint64_t> 1 << (PyBytes_GET_SIZE(name) & 63)
        for i in range(self.count):
            span = &self.spans[i]
            if not sizes >> (span.name_size & 63) & 1:
                continue
            for name in names:
                if span.name_size == PyBytes_GET_SIZE(name) and same_name(
                    p + span.name, <Bytes> PyBytes_AS_STRING(name), span.name_size
                ):
                    return True
        return False

    def items(self):
        cdef const char* p = PyBytes_AS_STRING(self.raw)
        cdef Py_ssize_t i
        cdef Span* span
        cdef list pairs = []
        for i in range(self.count):
            span = &self.spans[i]
            pairs.append((
                PyBytes_FromStringAndSize(p + span.name, span.name_size),
                PyBytes_FromStringAndSize(p + span.value, span.value_size),
            ))
        return pairs

    cpdef bytes encode(self, bytes start, uint32_t drop, dict edits, bytes tail, bytes body):
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(self.raw)
        cdef Py_ssize_t total = 0
        cdef Py_ssize_t i
        cdef Span* span
        cdef uint64_t marks = 0  # of the names of edits: most headers are none of them by that alone
        cdef bytes result
        cdef char* out
        cdef char* limit
        if start is None or tail is None or body is None:
            raise TypeError("start, tail and body must be bytes")
        if edits is not None:
            total = measured(edits, &marks)
        drop &= KINDS
        total = plus(total, PyBytes_GET_SIZE(start))
        for i in range(self.count):
            span = &self.spans[i]
            if span.kind & drop or (
                marks and marks & mark_of(p + span.name, span.name_size) and is_named(p, span, edits)
            ):
                span.kind &= ~<uint32_t> KEPT
            else:
                span.kind |= KEPT
                total = plus(total, <Py_ssize_t> span.name_size + <Py_ssize_t> span.value_size + 4)
        total = plus(total, PyBytes_GET_SIZE(tail))
        total = plus(total, 2)
        total = plus(total, PyBytes_GET_SIZE(body))
        result = PyBytes_FromStringAndSize(NULL, total)
        out = PyBytes_AS_STRING(result)
        limit = out + total
        out = put(out, PyBytes_AS_STRING(start), PyBytes_GET_SIZE(start))
        out = put_headers(self, <const char*> p, out)
        out = put(out, PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail))
        if edits is not None:
            out = put_blocks(edits, out)
        out = put(out, b"\r\n", 2)
        out = put(out, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
        if out != limit:
            raise SystemError("encode wrote another size than it had added up")
        return result


@cython.final
cdef class RequestHead(Head):
    """A request's head. Made by `parse_request`; immutable."""

    @property
    def target(self):
        return self.raw[self.target_start:self.target_end] if self.raw is not None else None


@cython.final
cdef class ResponseHead(Head):
    """A response's head. Made by `parse_response`; immutable."""


def parse_request(bytes data not None, Limits limits not None):
    """The request head that `data` begins with, None while it is incomplete; HeadError at the first wrong byte."""
    cdef RequestHead head = RequestHead.__new__(RequestHead)
    cdef Bytes p = <Bytes> PyBytes_AS_STRING(data)
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t pos
    start_head(head, data)
    pos = parse_request_line(head, p, n, limits)
    if pos == 0 or not parse_fields(head, p, n, pos, limits, REQUEST):
        return None
    if head.host_end == head.host_start:
        head.authority = EMPTY
    else:
        head.authority = PyBytes_FromStringAndSize(<const char*> p + head.host_start, head.host_end - head.host_start)
    return head


def parse_response(bytes data not None, Limits limits not None):
    """The response head that `data` begins with, None while incomplete; HeadError (502) at the first wrong byte."""
    cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
    cdef Bytes p = <Bytes> PyBytes_AS_STRING(data)
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t pos
    start_head(head, data)
    pos = parse_status_line(head, p, n, limits)
    if pos == 0 or not parse_fields(head, p, n, pos, limits, RESPONSE):
        return None
    return head


def kind_of(bytes name not None, bint response=False):
    """The kind that a header of this name (a token) has, before Connection is looked at."""
    return classify(<Bytes> PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name), response)


cpdef bytes header_line(bytes begin, value):
    """`begin`, the value and CRLF; None for a value that is not plain: printable ASCII without spaces around it."""
    cdef const unsigned char* text
    cdef Py_ssize_t size, i, started
    cdef bytes line
    cdef char* out
    if not PyUnicode_Check(value):
        raise TypeError("the value of a header is text")
    if begin is None or not PyUnicode_IS_COMPACT_ASCII(value):
        return None
    text = PyUnicode_1BYTE_DATA(value)
    size = PyUnicode_GET_LENGTH(value)
    if size and (text[0] == SPACE or text[size - 1] == SPACE):
        return None
    for i in range(size):
        if text[i] < SPACE or text[i] > 126:
            return None
    started = PyBytes_GET_SIZE(begin)
    line = PyBytes_FromStringAndSize(NULL, plus(plus(started, size), 2))
    out = put(PyBytes_AS_STRING(line), PyBytes_AS_STRING(begin), started)
    out = put(out, <const char*> text, size)
    put(out, b"\r\n", 2)
    return line


cpdef bytes joined(tuple parts):
    """The parts, all of them bytes, one behind the other."""
    cdef Py_ssize_t total = 0
    cdef Py_ssize_t i, count
    cdef PyObject* part
    cdef bytes result
    cdef char* out
    if parts is None:
        raise TypeError("the parts must be a tuple")
    count = PyTuple_GET_SIZE(parts)
    for i in range(count):
        part = PyTuple_GET_ITEM(parts, i)
        if not PyBytes_CheckExact(<object> part):
            raise TypeError("the parts must be bytes")
        total = plus(total, PyBytes_GET_SIZE(<object> part))
    result = PyBytes_FromStringAndSize(NULL, total)
    out = PyBytes_AS_STRING(result)
    for i in range(count):
        part = PyTuple_GET_ITEM(parts, i)
        out = put(out, PyBytes_AS_STRING(<object> part), PyBytes_GET_SIZE(<object> part))
    return result


cdef inline void start_head(Head head, bytes data) noexcept:
    head.raw = data
    head.spans = head.own_spans
    head.capacity = INLINE_SPANS
    head.length = -1


include "_scanning.pxi"
include "_start_lines.pxi"
include "_fields.pxi"
include "_writing.pxi"
include "_chunked.pxi"


# What is wrong, raised. Apart from the code above, which stays small where all is right.


cdef int refuse(object fault) except -1:
    raise fault.error(False)


cdef int refuse_response(object fault) except -1:
    raise fault.error(True)


cdef int refuse_name(unsigned char c, bint first, bint response) except -1:
    if c == SPACE or c == TAB:
        raise (FOLDED if first else SPACE_BEFORE_COLON).error(response)
    if c == LF:
        raise BARE_LF.error(response)
    raise BAD_NAME.error(response)


cdef Py_ssize_t out_of_line(Py_ssize_t stop, Py_ssize_t n) except -1:
    """All bytes up to `stop` are read: 0 when more may come, an error when a limit has ended the line."""
    if stop == n:
        return 0
    raise REQUEST_LINE_TOO_LONG.error(False)


cdef Py_ssize_t out_of_status_line(Py_ssize_t stop, Py_ssize_t n) except -1:
    if stop == n:
        return 0
    raise STATUS_LINE_TOO_LONG.error(True)


cdef int out_of_fields(Py_ssize_t stop, Py_ssize_t n, bint response) except -1:
    if stop == n:
        return 0
    raise HEADER_TOO_LONG.error(response)
