"""Looking at bytes: classes, kinds of names, numbers, authorities. Nothing here raises, or reads beyond the end that it
is given."""

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
    """Whether p[pos:end] is host[:port]: a registered name, an IPv4 or an [IPv6] address (RFC 3986, section 3.2)."""
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
