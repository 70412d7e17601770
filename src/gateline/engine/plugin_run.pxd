from gateline.engine.chain cimport Chain
from gateline.engine.edits cimport RequestEdits, ResponseEdits

cdef class PluginRun:
    cdef public Chain chain
    cdef public object body_refusal, head, identity, service_head, task, watcher
    cdef public dict context, log_fields
    cdef public RequestEdits edits
    cdef public ResponseEdits response_edits
    cdef public tuple filters, responders
    cdef public list buffer
    cdef public bytes response_body
    cdef public str source
    cdef public bint too_large
    cdef public int parked, stage
    cdef public long long body_limit, buffered, length, wanted

    cpdef object begin(self, Chain chain)
    cpdef RequestEdits request_edits(self)
    cpdef ResponseEdits answer_edits(self)
