"""Request line and status line (RFC 9112, sections 3 and 4). A parser's result is the offset behind the line, 0 when it
is incomplete."""

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
    head.method = method_of(p, pos)
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
        head.minor = 1
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
    head.minor = p[pos + 7] - 48
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
        if head.method != OPTIONS:
            refuse(BAD_FORM)
        head.path = PyBytes_FromStringAndSize(<const char*> p + start, 1)
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
        head.path = SLASH
    else:
        head.path = PyBytes_FromStringAndSize(<const char*> p + path, path_end - path)
    head.plain_path = plain
    if question >= 0:
        head.query = PyBytes_FromStringAndSize(<const char*> p + question + 1, end - question - 1)
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
    head.minor = p[7] - 48
    head.status = (p[9] - 48) * 100 + (p[10] - 48) * 10 + p[11] - 48
    if pos - reason == 2 and memcmp(p + reason, b"OK", 2) == 0:
        head.reason = OK
    else:
        head.reason = PyBytes_FromStringAndSize(<const char*> p + reason, pos - reason)
    return pos + 2
