from gateline.engine.edits cimport RequestEdits

cpdef object tell_service(RequestEdits edits, identity)
