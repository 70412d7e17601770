"""Writing a head in two passes: sizes are added up, each addition checked, then the bytes are copied."""

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


cdef uint64_t mark_of(Bytes name, Py_ssize_t size) noexcept:
    """One bit of 64, by the size and the first letter of a name: names with different ones are different."""
    return <uint64_t> 1 << ((size + 7 * ((name[0] if size else 0) | 0x20)) & 63)


cdef Py_ssize_t measured(dict edits, uint64_t* marks) except -1:
    """The bytes of all blocks of `edits`, which are checked here; the marks of their names go into `marks`."""
    cdef Py_ssize_t total = 0
    cdef Py_ssize_t place = 0
    cdef PyObject* name
    cdef PyObject* block
    while PyDict_Next(edits, &place, &name, &block):
        if type(<object> name) is not bytes or type(<object> block) is not bytes:
            raise TypeError("names and blocks of edits must be bytes")
        marks[0] |= mark_of(<Bytes> PyBytes_AS_STRING(<object> name), PyBytes_GET_SIZE(<object> name))
        total = plus(total, PyBytes_GET_SIZE(<object> block))
    return total


cdef bint is_named(Bytes p, Span* span, dict edits) noexcept:
    """Whether the header's name is one of `edits`, whose names are bytes."""
    cdef Py_ssize_t place = 0
    cdef PyObject* name
    while PyDict_Next(edits, &place, &name, NULL):
        if PyBytes_GET_SIZE(<object> name) == span.name_size and same_name(
            p + span.name, <Bytes> PyBytes_AS_STRING(<object> name), span.name_size
        ):
            return True
    return False


cdef char* put_blocks(dict edits, char* out) noexcept:
    """Write every block of `edits`, as they were measured."""
    cdef Py_ssize_t place = 0
    cdef PyObject* block
    while PyDict_Next(edits, &place, NULL, &block):
        out = put(out, PyBytes_AS_STRING(<object> block), PyBytes_GET_SIZE(<object> block))
    return out
