"""Header and trailer lines (RFC 9112, section 5): where they lie, what they mean for framing and for the connection."""

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
            head.size = pos + 2
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
        if head.minor == 1 and size == 12 and same(value, b"100-continue", 12):
            head.expect_continue = True
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
        head.length = decimal(value, size)
        if head.length < 0:
            raise BAD_LENGTH.error(response)
        return 0
    if fields.codings:
        raise REPEATED_CODING.error(response)
    fields.codings = 1
    if fields.lengths:
        raise LENGTH_AND_CODING.error(response)
    if head.minor == 0:
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
    head.length = -2
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
    if head.minor == 1 and not fields.hosts:
        raise NO_HOST.error(False)
    head.keep_alive = head.minor == 1
    if fields.connections:
        upgrade = note_connection(head, p, False)
    head.te_trailers = fields.tes == 1 and fields.te
    head.websocket = (
        upgrade and fields.upgrades == 1 and fields.upgrade and head.minor == 1 and head.method == GET
    )
    return 0


cdef int finish_response(Head head, Bytes p, Fields* fields) except -1:
    cdef bint upgrade = False
    head.keep_alive = head.minor == 1
    if fields.connections:
        upgrade = note_connection(head, p, True)
    head.websocket = upgrade and fields.upgrades == 1 and fields.upgrade and head.minor == 1 and head.status == 101
    return 0


cdef int note_connection(Head head, Bytes p, bint response) except -1:
    """Read all Connection lines: sets `keep_alive`, makes the headers that they name HOP; 1 when "upgrade" is named."""
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
    if close or (head.minor == 0 and not keep):
        head.keep_alive = False
    else:
        head.keep_alive = True
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
