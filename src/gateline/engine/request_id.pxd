cdef list _ids

cpdef bytes next_request_id()
