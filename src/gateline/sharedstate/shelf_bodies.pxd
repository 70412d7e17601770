from gateline.pdk.shelf cimport Kept

cdef class KeptValue(Kept):
    cdef public double end
    cdef public bytes name
    cdef public Py_ssize_t place
    cdef public unsigned long long version
    cdef object _checksum, _damaged, _path
