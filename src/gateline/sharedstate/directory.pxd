cdef class Entry:
    cdef object _length
    cdef readonly object consumer, end
    cdef readonly bytes raw

cdef class Directory:
    cdef object _below, _environment, _get, _rows, _transaction, _unique
    cdef readonly object version

    cpdef object renew(self)
    cpdef bytes raw(self, bytes before, str value)
    cpdef object consumer(self, identifier)
