cimport cython
from gateline.pdk.memory cimport AnyExchange, Memory as CMemory
from gateline.pdk.shelf cimport Kept as CKept, Shelf as CShelf
from gateline.pdk.stored_response cimport StoredResponse as CStoredResponse
from gateline.plugins.proxy_cache.keys cimport Keys

cdef class Ready:
    cdef public object mark
    cdef public CStoredResponse answer
    cdef public double since, until

cdef class Variants:
    cdef public dict known

cdef class Hits:
    cdef object _mark, _methods, _other, _telling
    cdef public object time
    cdef tuple _particular
    cdef bint _controlled
    cdef double _ttl
    cdef Keys _keys
    cdef CMemory _memory
    cdef CShelf _shelf

    @cython.locals(key=str, now=cython.double, kept=CKept, shelf=CShelf, answer=CStoredResponse)
    cpdef object access(self, AnyExchange exchange)
    @cython.locals(asked=tuple, key=str, now=cython.double, particular=bint, kept=CKept, shelf=CShelf)
    cdef object _access(self, AnyExchange exchange)
    @cython.locals(ready=Ready)
    cdef CStoredResponse _ready(self, CKept kept, double now)
    @cython.locals(variant=CKept)
    cdef object _kept(self, AnyExchange exchange, str key, CKept kept, double now, bint particular)
    cdef object _made(self, AnyExchange exchange, str key, CKept kept, entry, double now)
    @cython.locals(shelf=CShelf)
    cdef CKept _variant(self, request, str key, CKept kept)
