# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=False
"""The HTTP/1 codec, compiled: received bytes become a head that knows where each header lies, and the next head is
written from those spans in one allocation. It owns the bytes of heads and of chunked bodies; it knows no socket, no clock
and no configuration but its limits. `_pycodec` is its twin in plain Python and says the same about every input.

How it stays safe: parsing goes from left to right once, every byte is read only below `stop`, which is never beyond the
received bytes, and whatever is wrong is raised at the first byte that shows it. So a verdict about a prefix is final:
more bytes cannot change it. Nothing is modified after parsing; `encode` adds up what it will write, each addition
checked, and then writes exactly that.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
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
    Py_ssize_t PY_SSIZE_T_MAX

ctypedef const unsigned char* Bytes

cdef enum:
    CR = 13
    LF = 10
    TAB = 9
    SPACE = 32
    INLINE_SPANS = 40     # heads with more headers take heap memory for all of them
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

# Classes of bytes, a bit each, and the bits that find "%", "//" and "/." in a path without a branch.
cdef enum:
    TOKEN = 1
    VALUE = 2
    TARGET = 4
    AUTHORITY = 8
    IS_SLASH = 16
    AFTER_SLASH = 32  # a byte that makes a path not plain behind a slash: IS_SLASH << 1
    IS_PERCENT = 64

cdef unsigned char CLASS[256]
cdef unsigned char LOWER[256]
cdef signed char HEX[256]


cdef void fill_tables() noexcept:
    cdef int c
    alphanumeric = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for c in range(256):
        LOWER[c] = c + 32 if 65 <= c <= 90 else c
        HEX[c] = int(chr(c), 16) if c < 128 and chr(c) in "0123456789abcdefABCDEF" else -1
        CLASS[c] = 0
        if c in alphanumeric or c in b"!#$%&'*+-.^_`|~":
            CLASS[c] |= TOKEN
        if c == TAB or 0x20 <= c != 0x7F:
            CLASS[c] |= VALUE
        if 0x21 <= c <= 0x7E and c != ord("#"):
            CLASS[c] |= TARGET
        if c in alphanumeric or c in b"-._~!$&'()*+,;=":
            CLASS[c] |= AUTHORITY
    CLASS[ord("/")] |= IS_SLASH | AFTER_SLASH
    CLASS[ord(".")] |= AFTER_SLASH
    CLASS[ord("%")] |= IS_PERCENT


fill_tables()

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


cdef struct Span:
    uint32_t name
    uint32_t name_size
    uint32_t value
    uint32_t value_size
    uint32_t kind


@cython.final
cdef class Limits:
    """How long a line (with its CR LF) and a head may be, in bytes, and how many headers it may have."""

    cdef readonly int line
    cdef readonly int head
    cdef readonly int count

    def __init__(self, int line=8192, int head=32768, int count=1000):
        if not (0 < line <= MAX_LIMIT and 0 < head <= MAX_LIMIT and 0 <= count <= MAX_LIMIT):
            raise ValueError("limits are between 1 and 2**30")
        self.line = line
        self.head = head
        self.count = count


@cython.freelist(64)
cdef class Head:
    """What requests and responses have in common: the received bytes and where the headers lie in them."""

    cdef bytes raw
    cdef Span own_spans[INLINE_SPANS]
    cdef Span* spans
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t end
    cdef long long body
    cdef uint32_t present
    cdef int version
    cdef int code
    cdef bint persistent
    cdef bint upgrades
    cdef bint expects
    cdef bint takes_trailers
    cdef bint plain
    cdef Py_ssize_t target_start
    cdef Py_ssize_t target_end
    cdef Py_ssize_t host_start
    cdef Py_ssize_t host_end
    cdef bytes verb
    cdef bytes route
    cdef bytes search

    def __dealloc__(self):
        if self.spans != NULL and self.spans != self.own_spans:
            PyMem_Free(self.spans)

    @property
    def size(self):
        return self.end

    @property
    def minor(self):
        return self.version

    @property
    def length(self):
        return self.body

    @property
    def keep_alive(self):
        return self.persistent

    @property
    def websocket(self):
        return self.upgrades

    def kinds(self):
        return self.present

    def get(self, bytes name not None):
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

    def get_all(self, bytes name not None):
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

    def encode(self, bytes start not None, uint32_t drop, tuple remove, bytes tail not None, bytes body not None):
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(self.raw)
        cdef Py_ssize_t total = 0
        cdef Py_ssize_t i
        cdef Span* span
        cdef char* out
        cdef char* limit
        if remove is not None:
            for item in remove:
                if type(item) is not bytes:
                    raise TypeError("names to remove must be bytes")
            if not remove:
                remove = None
        total = plus(total, PyBytes_GET_SIZE(start))
        for i in range(self.count):
            span = &self.spans[i]
            if span.kind & drop or (remove is not None and is_named(p, span, remove)):
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
        out = put(out, b"\r\n", 2)
        out = put(out, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
        if out != limit:
            raise SystemError("encode wrote another size than it had added up")
        return result


@cython.final
cdef class RequestHead(Head):
    """A request's head. Made by `parse_request`; immutable."""

    @property
    def method(self):
        return self.verb

    @property
    def target(self):
        return self.raw[self.target_start:self.target_end] if self.raw is not None else None

    @property
    def path(self):
        return self.route

    @property
    def query(self):
        return self.search

    @property
    def plain_path(self):
        return self.plain

    @property
    def authority(self):
        if self.host_end == self.host_start:
            return EMPTY
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.raw) + self.host_start, self.host_end - self.host_start)

    @property
    def expect_continue(self):
        return self.expects

    @property
    def te_trailers(self):
        return self.takes_trailers


@cython.final
cdef class ResponseHead(Head):
    """A response's head. Made by `parse_response`; immutable."""

    @property
    def status(self):
        return self.code

    @property
    def reason(self):
        return self.verb


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
    return head


def parse_response(bytes data not None, Limits limits not None):
    """The response head that `data` begins with, None while it is incomplete; HeadError (502) at the first wrong byte."""
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
    """The kind that a header of this name has (before Connection is looked at)."""
    return classify(<Bytes> PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name), response)


cdef inline void start_head(Head head, bytes data) noexcept:
    head.raw = data
    head.spans = head.own_spans
    head.capacity = INLINE_SPANS
    head.body = -1


# --- start lines: the result is the offset behind the line, 0 when it is incomplete


cdef Py_ssize_t parse_request_line(RequestHead head, Bytes p, Py_ssize_t n, Limits limits) except -1:
    cdef Py_ssize_t stop = min(n, limits.line, limits.head)
    cdef Py_ssize_t pos = 0
    cdef Py_ssize_t bound = min(stop, MAX_METHOD)
    cdef Py_ssize_t question = -1
    cdef unsigned int bits
    cdef unsigned int before = 0
    cdef unsigned int unplain = 0

    while pos < bound and CLASS[p[pos]] & TOKEN:
        pos += 1
    if pos == stop:
        return out_of_line(stop, n)
    if pos == 0 or p[pos] != SPACE:
        refuse(BAD_METHOD)
    head.verb = method_of(p, pos)
    if pos == 7 and memcmp(p, b"CONNECT", 7) == 0:
        refuse(CONNECT_REFUSED)
    pos += 1

    head.target_start = pos
    while pos < stop:
        bits = CLASS[p[pos]]
        if not bits & TARGET or p[pos] == 63:  # ?
            break
        unplain |= (bits & IS_PERCENT) | ((before << 1) & bits & AFTER_SLASH)
        before = bits & IS_SLASH
        pos += 1
    if pos < stop and p[pos] == 63:
        question = pos
        while pos < stop and CLASS[p[pos]] & TARGET:
            pos += 1
    if pos == stop:
        return out_of_line(stop, n)
    if pos == head.target_start or p[pos] != SPACE:
        refuse(BAD_TARGET)
    head.target_end = pos
    split_target(head, p, head.target_start, pos, question, unplain == 0)
    pos += 1

    if stop - pos >= 10 and memcmp(p + pos, b"HTTP/1.1\r\n", 10) == 0:
        head.version = 1
        return pos + 10
    return parse_version(head, p, n, pos, stop)


cdef Py_ssize_t parse_version(RequestHead head, Bytes p, Py_ssize_t n, Py_ssize_t pos, Py_ssize_t stop) except -1:
    cdef Bytes pattern = <Bytes> b"HTTP/0.0\r\n"
    cdef Py_ssize_t i
    cdef bint digit
    for i in range(10):
        if pos + i == stop:
            return out_of_line(stop, n)
        digit = 48 <= p[pos + i] <= 57
        if not digit if pattern[i] == 48 else p[pos + i] != pattern[i]:
            refuse(BAD_VERSION)
    if p[pos + 5] == 48:
        refuse(BAD_VERSION)
    if p[pos + 5] != 49 or p[pos + 7] > 49:
        refuse(UNSUPPORTED_VERSION)
    head.version = p[pos + 7] - 48
    return pos + 10


cdef int split_target(
    RequestHead head, Bytes p, Py_ssize_t start, Py_ssize_t end, Py_ssize_t question, bint plain
) except -1:
    """Path, query and authority of the target (RFC 9112, section 3.2)."""
    cdef Py_ssize_t path = start
    cdef Py_ssize_t path_end = end if question < 0 else question
    cdef Py_ssize_t i
    cdef unsigned int bits
    cdef unsigned int before = 0
    if p[start] == 42 and end - start == 1:  # *
        if head.verb != OPTIONS:
            refuse(BAD_FORM)
        head.route = PyBytes_FromStringAndSize(<const char*> p + start, 1)
        return 0
    if p[start] != 47:  # /
        path = start + 4
        if end - start < 7 or not same(p + start, b"http", 4):
            refuse(BAD_FORM)
        if p[path] | 32 == 115:  # s
            path += 1
        if end - path < 3 or memcmp(p + path, b"://", 3) != 0:
            refuse(BAD_FORM)
        path += 3
        head.host_start = path
        while path < path_end and p[path] != 47:
            path += 1
        head.host_end = path
        if not is_authority(p, head.host_start, path):
            refuse(BAD_AUTHORITY)
        bits = 0
        for i in range(path, path_end):
            bits |= (CLASS[p[i]] & IS_PERCENT) | ((before << 1) & CLASS[p[i]] & AFTER_SLASH)
            before = CLASS[p[i]] & IS_SLASH
        plain = bits == 0
    if path == path_end:
        head.route = SLASH
    else:
        head.route = PyBytes_FromStringAndSize(<const char*> p + path, path_end - path)
    head.plain = plain
    if question >= 0:
        head.search = PyBytes_FromStringAndSize(<const char*> p + question + 1, end - question - 1)
    return 0


cdef bytes method_of(Bytes p, Py_ssize_t size):
    if size == 3:
        if memcmp(p, b"GET", 3) == 0:
            return GET
        if memcmp(p, b"PUT", 3) == 0:
            return PUT
    elif size == 4:
        if memcmp(p, b"POST", 4) == 0:
            return POST
        if memcmp(p, b"HEAD", 4) == 0:
            return HEAD
    elif size == 5 and memcmp(p, b"PATCH", 5) == 0:
        return PATCH
    elif size == 6 and memcmp(p, b"DELETE", 6) == 0:
        return DELETE
    elif size == 7 and memcmp(p, b"OPTIONS", 7) == 0:
        return OPTIONS
    return PyBytes_FromStringAndSize(<const char*> p, size)


cdef Py_ssize_t parse_status_line(ResponseHead head, Bytes p, Py_ssize_t n, Limits limits) except -1:
    cdef Bytes pattern = <Bytes> b"HTTP/0.0 000"
    cdef Py_ssize_t stop = min(n, limits.line, limits.head)
    cdef Py_ssize_t pos
    cdef Py_ssize_t reason
    cdef bint digit
    for pos in range(12):
        if pos == stop:
            return out_of_status_line(stop, n)
        digit = 48 <= p[pos] <= 57
        if not digit if pattern[pos] == 48 else p[pos] != pattern[pos]:
            refuse_response(BAD_VERSION if pos < 9 else BAD_STATUS)
    pos = 12
    reason = 12
    if pos < stop and p[pos] == SPACE:
        reason = 13
        pos = skip_value(p, 13, stop)
    if pos == stop:
        return out_of_status_line(stop, n)
    if p[pos] != CR:
        refuse_response(BARE_LF if p[pos] == LF else BAD_REASON)
    if pos + 1 == stop:
        return out_of_status_line(stop, n)
    if p[pos + 1] != LF:
        refuse_response(BARE_CR)
    if p[5] != 49 or p[7] > 49:
        refuse_response(UNSUPPORTED_VERSION)
    if p[9] == 48:
        refuse_response(BAD_STATUS)
    head.version = p[7] - 48
    head.code = (p[9] - 48) * 100 + (p[10] - 48) * 10 + p[11] - 48
    if pos - reason == 2 and memcmp(p + reason, b"OK", 2) == 0:
        head.verb = OK
    else:
        head.verb = PyBytes_FromStringAndSize(<const char*> p + reason, pos - reason)
    return pos + 2


# --- header lines


cdef int parse_fields(Head head, Bytes p, Py_ssize_t n, Py_ssize_t pos, Limits limits, int mode) except -1:
    """Header or trailer lines from `pos` to the blank line; 1 when they are complete, 0 when bytes are missing."""
    cdef bint response = mode == RESPONSE or mode == RESPONSE_TRAILERS
    cdef Fields fields
    cdef Span* span
    cdef Py_ssize_t start, colon, value, end, stop
    cdef uint32_t kind
    fields.hosts = fields.lengths = fields.codings = fields.tes = fields.upgrades = fields.connections = 0
    fields.te = fields.upgrade = 0
    while True:
        start = pos
        stop = min(n, start + limits.line, limits.head)
        if pos >= stop:
            return out_of_fields(stop, n, response)
        if p[pos] == CR:
            if pos + 1 == stop:
                return out_of_fields(stop, n, response)
            if p[pos + 1] != LF:
                raise BARE_CR.error(response)
            head.end = pos + 2
            break
        if head.count == limits.count:
            raise TOO_MANY_HEADERS.error(response)

        while pos < stop and CLASS[p[pos]] & TOKEN:
            pos += 1
        if pos == stop:
            return out_of_fields(stop, n, response)
        if p[pos] != 58 or pos == start:  # :
            refuse_name(p[pos], pos == start, response)
        colon = pos
        pos += 1
        while pos < stop and (p[pos] == SPACE or p[pos] == TAB):
            pos += 1
        value = pos
        pos = skip_value(p, pos, stop)
        if pos == stop:
            return out_of_fields(stop, n, response)
        if p[pos] != CR:
            raise (BARE_LF if p[pos] == LF else BAD_VALUE).error(response)
        end = pos
        while end > value and (p[end - 1] == SPACE or p[end - 1] == TAB):
            end -= 1
        pos += 1
        if pos == stop:
            return out_of_fields(stop, n, response)
        if p[pos] != LF:
            raise BARE_CR.error(response)
        pos += 1

        if head.count == head.capacity:
            grow(head)
        kind = classify(p + start, colon - start, response)
        span = &head.spans[head.count]
        span.name = <uint32_t> start
        span.name_size = <uint32_t> (colon - start)
        span.value = <uint32_t> value
        span.value_size = <uint32_t> (end - value)
        span.kind = kind
        if value - colon == 2 and p[colon + 1] == SPACE and pos - end == 2:
            span.kind |= CANONICAL
        head.count += 1
        head.present |= kind
        if kind & (HOP | FRAMING | TRAILER):
            if mode == REQUEST:
                note_request_field(head, p, span, kind, &fields)
            elif mode == RESPONSE:
                note_response_field(head, p, span, kind, &fields)
            else:
                raise BAD_TRAILER.error(response)
    if mode == REQUEST:
        finish_request(head, p, &fields)
    elif mode == RESPONSE:
        finish_response(head, p, &fields)
    return 1


# What the header lines said so far, as far as `finish_*` must know it.
cdef struct Fields:
    int hosts
    int lengths
    int codings
    int tes
    int upgrades
    int connections
    bint te       # a TE line is exactly "trailers"
    bint upgrade  # an Upgrade line is exactly "websocket"


cdef int note_request_field(Head head, Bytes p, Span* span, uint32_t kind, Fields* fields) except -1:
    cdef Bytes name = p + span.name
    cdef Bytes value = p + span.value
    cdef Py_ssize_t size = span.value_size
    if kind == HOST:
        if fields.hosts:
            raise REPEATED_HOST.error(False)
        fields.hosts = 1
        if not is_authority(p, span.value, span.value + size):
            raise BAD_HOST.error(False)
        if head.host_end == 0:  # an absolute-form target has said it already
            head.host_start = span.value
            head.host_end = span.value + size
    elif kind == CONTENT_LENGTH or kind == TRANSFER_ENCODING:
        note_framing(head, p, span, kind, fields, False)
    elif kind == EXPECT:
        if head.version == 1 and size == 12 and same(value, b"100-continue", 12):
            head.expects = True
    elif kind == HOP:
        note_hop(name, span.name_size, value, size, fields)
    return 0


cdef int note_response_field(Head head, Bytes p, Span* span, uint32_t kind, Fields* fields) except -1:
    if kind == CONTENT_LENGTH or kind == TRANSFER_ENCODING:
        note_framing(head, p, span, kind, fields, True)
    elif kind == HOP:
        note_hop(p + span.name, span.name_size, p + span.value, span.value_size, fields)
    return 0


cdef void note_hop(Bytes name, Py_ssize_t name_size, Bytes value, Py_ssize_t size, Fields* fields) noexcept:
    if is_connection(name, name_size):
        fields.connections = 1
    elif name_size == 7:  # upgrade: the other names of this kind have other lengths
        fields.upgrades += 1
        fields.upgrade = size == 9 and same(value, b"websocket", 9)
    elif name_size == 2:  # te
        fields.tes += 1
        fields.te = size == 8 and same(value, b"trailers", 8)


cdef int note_framing(Head head, Bytes p, Span* span, uint32_t kind, Fields* fields, bint response) except -1:
    cdef Bytes value = p + span.value
    cdef Py_ssize_t size = span.value_size
    if kind == CONTENT_LENGTH:
        if fields.lengths:
            raise REPEATED_LENGTH.error(response)
        fields.lengths = 1
        if fields.codings:
            raise LENGTH_AND_CODING.error(response)
        head.body = decimal(value, size)
        if head.body < 0:
            raise BAD_LENGTH.error(response)
        return 0
    if fields.codings:
        raise REPEATED_CODING.error(response)
    fields.codings = 1
    if fields.lengths:
        raise LENGTH_AND_CODING.error(response)
    if head.version == 0:
        raise CODING_IN_1_0.error(response)
    # Parsers disagree about tabs, and about what stands behind the value: it must end the line, only spaces before it.
    value = p + span.name + span.name_size + 1
    while value[0] == SPACE:
        value += 1
    size = 0
    while value[size] != CR:  # the line is known to have one
        size += 1
    if not (size == 7 and same(value, b"chunked", 7)):
        refuse_coding(value, size, response)
    head.body = -2
    return 0


cdef int refuse_coding(Bytes value, Py_ssize_t size, bint response) except -1:
    """Why the value of Transfer-Encoding is not just "chunked"."""
    cdef Py_ssize_t pos = 0
    cdef Py_ssize_t start
    cdef Py_ssize_t codings = 0
    while True:
        while pos < size and (value[pos] == SPACE or value[pos] == TAB):
            pos += 1
        start = pos
        while pos < size and CLASS[value[pos]] & TOKEN:
            pos += 1
        if pos == start:
            raise BAD_CODING.error(response)
        if not (pos - start == 7 and same(value + start, b"chunked", 7)):
            raise UNKNOWN_CODING.error(response)
        codings += 1
        while pos < size and (value[pos] == SPACE or value[pos] == TAB):
            pos += 1
        if pos == size:
            break
        if value[pos] != 44:  # ,
            raise BAD_CODING.error(response)
        pos += 1
    raise (BAD_CODING if codings == 1 else REPEATED_CODING).error(response)


cdef int finish_request(Head head, Bytes p, Fields* fields) except -1:
    cdef bint upgrade = False
    if head.version == 1 and not fields.hosts:
        raise NO_HOST.error(False)
    head.persistent = head.version == 1
    if fields.connections:
        upgrade = note_connection(head, p, False)
    head.takes_trailers = fields.tes == 1 and fields.te
    head.upgrades = (
        upgrade and fields.upgrades == 1 and fields.upgrade and head.version == 1 and head.verb == GET
    )
    return 0


cdef int finish_response(Head head, Bytes p, Fields* fields) except -1:
    cdef bint upgrade = False
    head.persistent = head.version == 1
    if fields.connections:
        upgrade = note_connection(head, p, True)
    head.upgrades = upgrade and fields.upgrades == 1 and fields.upgrade and head.version == 1 and head.code == 101
    return 0


cdef int note_connection(Head head, Bytes p, bint response) except -1:
    """Read all Connection lines: sets `persistent`, makes the headers that they name HOP; 1 when "upgrade" is named."""
    cdef bint close = False
    cdef bint keep = False
    cdef bint upgrade = False
    cdef Py_ssize_t options = 0
    cdef Py_ssize_t i, pos, start, end, stop
    cdef Span* span
    for i in range(head.count):
        span = &head.spans[i]
        if not span.kind & HOP or not is_connection(p + span.name, span.name_size):
            continue
        pos = span.value
        stop = pos + span.value_size
        while pos < stop:
            while pos < stop and (p[pos] == SPACE or p[pos] == TAB or p[pos] == 44):
                pos += 1
            start = pos
            while pos < stop and p[pos] != 44:  # ,
                pos += 1
            end = pos
            while end > start and (p[end - 1] == SPACE or p[end - 1] == TAB):
                end -= 1
            if end == start:
                continue
            options += 1
            if options > MAX_OPTIONS:
                raise TOO_MANY_OPTIONS.error(response)
            if end - start == 10 and same(p + start, b"keep-alive", 10):
                keep = True
            elif end - start == 7 and same(p + start, b"upgrade", 7):
                upgrade = True
            else:
                if end - start == 5 and same(p + start, b"close", 5):
                    close = True
                mark_named(head, p, start, end - start)
    if close or (head.version == 0 and not keep):
        head.persistent = False
    else:
        head.persistent = True
    return upgrade


cdef void mark_named(Head head, Bytes p, Py_ssize_t name, Py_ssize_t size) noexcept:
    """Make every header with the name at `name` (any case) HOP, and count `present` again."""
    cdef Py_ssize_t i, k
    cdef Span* span
    cdef uint32_t present = 0
    for i in range(head.count):
        span = &head.spans[i]
        if span.name_size == size and not span.kind & (FRAMING | HOP):
            k = 0
            while k < size and LOWER[p[span.name + k]] == LOWER[p[name + k]]:
                k += 1
            if k == size:
                span.kind = (span.kind & ~<uint32_t> KINDS) | HOP
        present |= span.kind
    head.present = present & KINDS


cdef int grow(Head head) except -1:
    """Make room for more spans: all of them move to (larger) heap memory."""
    cdef Py_ssize_t capacity = head.capacity * 4
    cdef Span* spans = <Span*> PyMem_Malloc(<size_t> capacity * sizeof(Span))  # below 2**30 / 4 lines in a head
    if spans == NULL:
        raise MemoryError()
    memcpy(spans, head.spans, <size_t> head.count * sizeof(Span))
    if head.spans != head.own_spans:
        PyMem_Free(head.spans)
    head.spans = spans
    head.capacity = capacity
    return 0


# --- scanning


cdef inline Py_ssize_t skip_value(Bytes p, Py_ssize_t pos, Py_ssize_t stop) noexcept nogil:
    """The first offset from `pos` whose byte may not stand in a header value, `stop` if there is none. Eight bytes a
    step as long as all are at least 0x20 and none is 0x7f; a byte a step from there."""
    cdef uint64_t word, other
    while stop - pos >= 8:
        memcpy(&word, p + pos, 8)
        other = word ^ <uint64_t> 0x7F7F7F7F7F7F7F7F
        if (
            ((word - <uint64_t> 0x2020202020202020) & ~word)
            | ((other - <uint64_t> 0x0101010101010101) & ~other)
        ) & <uint64_t> 0x8080808080808080:
            break
        pos += 8
    while pos < stop and CLASS[p[pos]] & VALUE:
        pos += 1
    return pos


cdef inline bint same(Bytes p, const char* word, Py_ssize_t size) noexcept nogil:
    """Whether `size` bytes at `p` are `word`, in any case. `word` has only lower-case letters, digits and "-", so that
    setting the case bit makes nothing but the letters' other case equal (a control byte could match a digit or "-", but
    none gets through the scan of names and values)."""
    cdef Py_ssize_t i
    for i in range(size):
        if p[i] | 32 != word[i]:
            return False
    return True


cdef inline bint same_name(Bytes p, Bytes name, Py_ssize_t size) noexcept nogil:
    """Whether `size` bytes at `p` are `name` (lower-case, any bytes) in any case."""
    cdef Py_ssize_t i
    for i in range(size):
        if LOWER[p[i]] != name[i]:
            return False
    return True


cdef inline bint is_connection(Bytes name, Py_ssize_t size) noexcept nogil:
    return size == 10 and same(name, b"connection", 10)


cdef inline uint32_t classify(Bytes p, Py_ssize_t size, bint response) noexcept nogil:
    """The kind of the header name of `size` bytes at `p`: its length decides what it is compared with."""
    if size == 2:
        if not response and same(p, b"te", 2): return HOP
    elif size == 3:
        if same(p, b"via", 3): return VIA
    elif size == 4:
        if same(p, b"host", 4): return HOST
        if same(p, b"date", 4): return DATE
    elif size == 5:
        if not response and same(p, b"proxy", 5): return HOP
    elif size == 6:
        if same(p, b"server", 6): return SERVER
        if same(p, b"expect", 6): return EXPECT
    elif size == 7:
        if same(p, b"upgrade", 7): return HOP
        if same(p, b"trailer", 7): return TRAILER
    elif size == 9:
        if same(p, b"x-real-ip", 9): return X_REAL_IP
    elif size == 10:
        if same(p, b"connection", 10) or same(p, b"keep-alive", 10): return HOP
    elif size == 14:
        if same(p, b"content-length", 14): return CONTENT_LENGTH
        if not response and same(p, b"http2-settings", 14): return HOP
    elif size == 15:
        if same(p, b"x-forwarded-for", 15): return X_FORWARDED_FOR
    elif size == 16:
        if same(p, b"proxy-connection", 16): return HOP
        if same(p, b"x-forwarded-host", 16): return X_FORWARDED_HOST
        if same(p, b"x-forwarded-port", 16): return X_FORWARDED_PORT
        if same(p, b"x-forwarded-path", 16): return X_FORWARDED_PATH
    elif size == 17:
        if same(p, b"transfer-encoding", 17): return TRANSFER_ENCODING
        if same(p, b"x-forwarded-proto", 17): return X_FORWARDED_PROTO
        if same(p, b"x-kong-request-id", 17): return REQUEST_ID
    elif size == 18:
        if same(p, b"x-forwarded-prefix", 18): return X_FORWARDED_PREFIX
    elif size == 20:
        if same(p, b"x-kong-proxy-latency", 20): return LATENCY
    elif size == 22:
        if same(p, b"x-kong-upstream-status", 22): return LATENCY
    elif size == 23:
        if same(p, b"x-kong-upstream-latency", 23) or same(p, b"x-kong-response-latency", 23): return LATENCY
    return PLAIN


cdef long long decimal(Bytes p, Py_ssize_t size) noexcept nogil:
    """The number that `size` digits are, -1 if they are not 1 to 19 digits or more than 2**63 - 1."""
    cdef uint64_t number = 0
    cdef Py_ssize_t i
    if size < 1 or size > 19:
        return -1
    for i in range(size):
        if p[i] < 48 or p[i] > 57:
            return -1
        number = number * 10 + (p[i] - 48)  # 19 digits stay below 2**64
    if number > <uint64_t> 0x7FFFFFFFFFFFFFFF:
        return -1
    return <long long> number


cdef bint is_authority(Bytes p, Py_ssize_t pos, Py_ssize_t end) noexcept nogil:
    """Whether p[pos:end] is host[:port] with a registered name, an IPv4 or an [IPv6] address (RFC 3986, section 3.2)."""
    cdef Py_ssize_t start = pos
    cdef int port = 0
    if end - pos > MAX_AUTHORITY:
        return False
    if pos < end and p[pos] == 91:  # [
        while pos < end and p[pos] != 93:  # ]
            pos += 1
        if pos == end or not is_ipv6(p, start + 1, pos):
            return False
        pos += 1
    else:
        while pos < end:
            if CLASS[p[pos]] & AUTHORITY:
                pos += 1
            elif p[pos] == 37 and end - pos >= 3 and HEX[p[pos + 1]] >= 0 and HEX[p[pos + 2]] >= 0:  # %
                pos += 3
            else:
                break
        if pos == start:
            return False
    if pos == end:
        return True
    if p[pos] != 58 or end - pos < 2 or end - pos > 6:  # :
        return False
    pos += 1
    while pos < end:
        if p[pos] < 48 or p[pos] > 57:
            return False
        port = port * 10 + (p[pos] - 48)
        pos += 1
    return port <= 65535


cdef bint is_ipv6(Bytes p, Py_ssize_t pos, Py_ssize_t end) noexcept nogil:
    """Whether p[pos:end] is an IPv6 address without zone (RFC 4291, section 2.2)."""
    cdef int groups = 0
    cdef bint compressed = False
    cdef Py_ssize_t start
    if end - pos >= 2 and p[pos] == 58 and p[pos + 1] == 58:  # ::
        compressed = True
        pos += 2
        if pos == end:
            return True
    while groups < 8:
        start = pos
        while pos < end and pos - start < 4 and HEX[p[pos]] >= 0:
            pos += 1
        if pos < end and p[pos] == 46:  # .
            return (groups <= 5 if compressed else groups == 6) and is_ipv4(p, start, end)
        if pos == start:
            return False
        groups += 1
        if pos == end:
            return groups <= 7 if compressed else groups == 8
        if p[pos] != 58:
            return False
        pos += 1
        if pos == end:
            return False
        if p[pos] == 58:
            if compressed:
                return False
            compressed = True
            pos += 1
            if pos == end:
                return groups <= 7
    return False


cdef bint is_ipv4(Bytes p, Py_ssize_t pos, Py_ssize_t end) noexcept nogil:
    cdef int parts = 0
    cdef int number
    cdef Py_ssize_t start
    while parts < 4:
        start = pos
        number = 0
        while pos < end and pos - start < 3 and 48 <= p[pos] <= 57:
            number = number * 10 + (p[pos] - 48)
            pos += 1
        if pos == start or number > 255 or (p[start] == 48 and pos - start > 1):
            return False
        parts += 1
        if pos == end:
            return parts == 4
        if p[pos] != 46:
            return False
        pos += 1
    return False


# --- refusing


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


# --- writing


cdef inline Py_ssize_t plus(Py_ssize_t total, Py_ssize_t size) except -1:
    if size > PY_SSIZE_T_MAX - total:
        raise OverflowError("head and body are too large for one piece")
    return total + size


cdef inline char* put(char* out, const char* source, Py_ssize_t size) noexcept nogil:
    memcpy(out, source, <size_t> size)
    return out + size


cdef char* put_headers(Head head, const char* p, char* out) noexcept nogil:
    """Write every kept header as "Name: value". Neighbours that were received in exactly that form are one copy."""
    cdef Py_ssize_t i
    cdef Span* span
    cdef Py_ssize_t size
    cdef const char* run = NULL
    cdef Py_ssize_t run_size = 0
    for i in range(head.count):
        span = &head.spans[i]
        if not span.kind & KEPT:
            continue
        if span.kind & CANONICAL:
            size = <Py_ssize_t> span.name_size + span.value_size + 4
            if run_size and run + run_size == p + span.name:
                run_size += size
                continue
            out = put(out, run, run_size) if run_size else out
            run = p + span.name
            run_size = size
            continue
        if run_size:
            out = put(out, run, run_size)
            run_size = 0
        out = put(out, p + span.name, span.name_size)
        out[0] = 58
        out[1] = SPACE
        out = put(out + 2, p + span.value, span.value_size)
        out[0] = CR
        out[1] = LF
        out += 2
    return put(out, run, run_size) if run_size else out


cdef bint is_named(Bytes p, Span* span, tuple names) noexcept:
    """Whether the header's name is one of `names` (checked to be bytes)."""
    for name in names:
        if PyBytes_GET_SIZE(name) == span.name_size and same_name(
            p + span.name, <Bytes> PyBytes_AS_STRING(name), span.name_size
        ):
            return True
    return False


# --- chunked bodies (RFC 9112, section 7.1)


cdef enum:
    AT_SIZE
    IN_DATA
    AT_DATA_END
    IN_TRAILERS
    AT_END
    BROKEN


@cython.final
cdef class ChunkedDecoder:
    """Takes a chunked body in pieces and gives its payload."""

    cdef readonly bint done
    cdef readonly Py_ssize_t consumed
    cdef readonly list trailers
    cdef Limits limits
    cdef bint response
    cdef int state
    cdef uint64_t left          # payload bytes of the chunk that are still to come
    cdef Py_ssize_t extensions  # bytes of chunk extensions so far, in all chunks
    cdef bytes pending          # the beginning of a line, or of the trailers, that is not complete yet
    cdef tuple failure          # of the HeadError that ended it

    def __init__(self, Limits limits not None, bint response=False):
        self.limits = limits
        self.response = response
        self.trailers = []
        self.pending = EMPTY

    def feed(self, bytes data not None, Py_ssize_t offset=0):
        """The payload in `data[offset:]`; `consumed` and `done` say where the body ended. HeadError on a violation."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t shift = 0  # what to add to an index in `data` to have one in `work`
        cdef Py_ssize_t pos
        cdef bytes work = data
        if offset < 0 or offset > size:
            raise ValueError("offset is outside of the data")
        if self.state == BROKEN:
            raise HeadError(*self.failure)
        if self.state == AT_END:
            self.consumed = offset
            return EMPTY
        pos = offset
        if PyBytes_GET_SIZE(self.pending):
            shift = PyBytes_GET_SIZE(self.pending) - offset
            work = self.pending + data[offset:]
            self.pending = EMPTY
            pos = 0
        try:
            return self.decode(work, pos, shift)
        except HeadError as error:
            self.state = BROKEN
            self.failure = error.args
            raise

    cdef bytes decode(self, bytes work, Py_ssize_t pos, Py_ssize_t shift):
        cdef Bytes p = <Bytes> PyBytes_AS_STRING(work)
        cdef Py_ssize_t n = PyBytes_GET_SIZE(work)
        cdef Py_ssize_t size, after
        cdef bytes first = None   # the only piece of payload so far
        cdef list pieces = None   # all of them, once there are two
        cdef bytes piece
        while pos < n:
            if self.state == IN_DATA:
                size = n - pos
                if <uint64_t> size >= self.left:
                    size = <Py_ssize_t> self.left
                    self.state = AT_DATA_END
                self.left -= <uint64_t> size
                piece = work if size == n else PyBytes_FromStringAndSize(<const char*> p + pos, size)
                pos += size
                if first is None:
                    first = piece
                elif pieces is None:
                    pieces = [first, piece]
                else:
                    pieces.append(piece)
                continue
            if self.state == AT_DATA_END:
                if p[pos] != CR or (n - pos > 1 and p[pos + 1] != LF):
                    raise BAD_CHUNK_END.error(self.response)
                after = pos + 2 if n - pos > 1 else 0
                if after:
                    self.state = AT_SIZE
            elif self.state == AT_SIZE:
                after = self.parse_size(p, n, pos)
                if after:
                    self.state = IN_DATA if self.left else IN_TRAILERS
            elif self.state == IN_TRAILERS:
                after = self.parse_trailers(work, pos)
                if after:
                    self.state = AT_END
                    self.done = True
            else:
                break
            if after == 0:
                self.pending = PyBytes_FromStringAndSize(<const char*> p + pos, n - pos)
                pos = n
            else:
                pos = after
        self.consumed = pos - shift
        if pieces is not None:
            return EMPTY.join(pieces)
        return first if first is not None else EMPTY

    cdef Py_ssize_t parse_size(self, Bytes p, Py_ssize_t n, Py_ssize_t start) except -1:
        """Sets `left` from the chunk line at `start`; the offset behind the line, 0 when it is incomplete."""
        cdef Py_ssize_t stop = min(n, start + self.limits.line)
        cdef Py_ssize_t pos = start
        cdef Py_ssize_t extension
        cdef uint64_t size = 0
        while pos < stop and HEX[p[pos]] >= 0:
            if pos - start == 16:
                raise BAD_CHUNK_SIZE.error(self.response)
            size = (size << 4) | <uint64_t> HEX[p[pos]]
            pos += 1
        if pos == stop:
            return self.out_of_chunk_line(stop, n)
        if pos == start or size > <uint64_t> 0x7FFFFFFFFFFFFFFF:
            raise BAD_CHUNK_SIZE.error(self.response)
        extension = pos
        while p[pos] == 59:  # ;
            pos = self.skip_extension(p, pos + 1, stop)
            if pos == stop:
                return self.out_of_chunk_line(stop, n)
        if p[pos] != CR:
            raise (BARE_LF if p[pos] == LF else BAD_CHUNK_SIZE if pos == extension
                   else BAD_CHUNK_EXTENSION).error(self.response)
        if pos + 1 == stop:
            return self.out_of_chunk_line(stop, n)
        if p[pos + 1] != LF:
            raise BARE_CR.error(self.response)
        self.extensions += pos - extension  # at most a line each time, and over the limit is the end
        if self.extensions > self.limits.head:
            raise CHUNK_LINE_TOO_LONG.error(self.response)
        self.left = size
        return pos + 2

    cdef Py_ssize_t skip_extension(self, Bytes p, Py_ssize_t pos, Py_ssize_t stop) except -1:
        """The offset behind name[=value] at `pos`, where `value` is a token or a quoted string; `stop` when it ends there."""
        cdef Py_ssize_t start = pos
        while pos < stop and CLASS[p[pos]] & TOKEN:
            pos += 1
        if pos == stop:
            return stop
        if pos == start:
            raise BAD_CHUNK_EXTENSION.error(self.response)
        if p[pos] != 61:  # =
            return pos
        pos += 1
        if pos == stop:
            return stop
        if p[pos] != 34:  # "
            start = pos
            while pos < stop and CLASS[p[pos]] & TOKEN:
                pos += 1
            if pos < stop and pos == start:
                raise BAD_CHUNK_EXTENSION.error(self.response)
            return pos
        pos += 1
        while pos < stop and p[pos] != 34:
            if p[pos] == 92:  # a backslash takes the next byte with it
                pos += 1
                if pos == stop:
                    return stop
            if not CLASS[p[pos]] & VALUE:
                raise BAD_CHUNK_EXTENSION.error(self.response)
            pos += 1
        return pos if pos == stop else pos + 1

    cdef Py_ssize_t parse_trailers(self, bytes work, Py_ssize_t pos) except -1:
        """Sets `trailers`; the offset behind the last line, 0 when it is incomplete. Limits count from `pos`."""
        cdef Head head = Head.__new__(Head)
        cdef Py_ssize_t size = min(PyBytes_GET_SIZE(work) - pos, self.limits.head + 1)
        cdef bytes section = PyBytes_FromStringAndSize(PyBytes_AS_STRING(work) + pos, size)
        start_head(head, section)
        if not parse_fields(
            head, <Bytes> PyBytes_AS_STRING(section), size, 0, self.limits,
            RESPONSE_TRAILERS if self.response else REQUEST_TRAILERS,
        ):
            return 0
        self.trailers = head.items()
        return pos + head.end

    cdef Py_ssize_t out_of_chunk_line(self, Py_ssize_t stop, Py_ssize_t n) except -1:
        if stop == n:
            return 0
        raise CHUNK_LINE_TOO_LONG.error(self.response)
