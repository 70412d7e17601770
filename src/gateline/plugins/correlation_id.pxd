cdef str _LOGGED

cdef class Identifying:
    cdef str _header
    cdef object _make

cdef class Uuids:
    cdef str _pool
    cdef Py_ssize_t _at

cdef class Numbered:
    cdef str _begin
    cdef long long _made
