cdef class KeptValue:
    cdef public bytes body, head
    cdef public double end
    cdef public long long length
    cdef public object made
    cdef public bytes name
    cdef public Py_ssize_t place
    cdef public unsigned long long version
    cdef object _checksum, _path
