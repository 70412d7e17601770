"""Chunked bodies (RFC 9112, section 7.1)."""

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

    def __cinit__(self, Limits limits not None, bint response=False):
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
        """The offset behind name[=value] at `pos`, `value` being a token or a quoted string; `stop` when it ends there."""
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
        return pos + head.size

    cdef Py_ssize_t out_of_chunk_line(self, Py_ssize_t stop, Py_ssize_t n) except -1:
        if stop == n:
            return 0
        raise CHUNK_LINE_TOO_LONG.error(self.response)
