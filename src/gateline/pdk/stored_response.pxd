cdef class StoredResponse:
    cdef public bytes block, body
    cdef public int status
    cdef public long long length
    cdef public object more
