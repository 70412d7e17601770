from gateline.pdk.header_changes cimport HeaderChanges as CHeaderChanges

cdef class Changing:
    cdef CHeaderChanges _changes
