# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=False
"""A table of short values that end, in memory that processes share: what the counters of a node are kept in.

It owns how entries lie in the mapped file and how a change is made whole; what a value means it does not know, but for
counts in windows of time, which it adds to in place. `lmdb_table` is its twin in plain Python.

The file: a page that says how large all is, a page for each of 64 stripes, then buckets of 2 KB. A key is known by a
hash of 128 bits, keyed with a secret of the file, so that nobody can make two keys meet. The hash says the stripe, and
two buckets of it; an entry is in the one that had more room, or was brought there when the other was full. A stripe grows by one bucket
at a time (linear hashing: the next bucket in turn is split), so nobody ever waits for all to be moved. Pages are set
aside before they are used: a write never meets a file system without room. Entries that have ended go when a new one
comes to their bucket; where the file may not grow, those go that would end first.

A stripe has a robust mutex: when its owner dies the next one is told. A change that is more than one store is preceded
by a copy of what it changes; who is told that the owner has died puts the copy back. Inside a lock nothing of Python
runs, so it is held for some ten nanoseconds, and some microseconds where a bucket is split.
"""

import fcntl
import mmap
import os

from cpython.buffer cimport Py_buffer, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from gateline.sharedstate.environment import SharedStateError

include "_hashing.pxi"
include "_stripes.pxi"

cdef enum:
    MOST_WINDOWS = 100   # of one key; as many quotas and more have room in a bucket too

cdef int64_t MOST_COUNTED = 1LL << 62
cdef double SLACK = 2  # seconds that a count is kept longer: not all read the clock at one time

# What is counted: the windows, and what came of it.
cdef struct Counting:
    Py_ssize_t windows
    bint adds, added
    double ttl, now
    int64_t number[MOST_WINDOWS]
    int64_t limit[MOST_WINDOWS]
    int64_t by[MOST_WINDOWS]
    int64_t value[MOST_WINDOWS]


cdef class Table:
    """See `gateline.sharedstate.table.Table`."""

    cdef Py_buffer _view
    cdef unsigned char* _base
    cdef Header* _header
    cdef int _file
    cdef object _clock, _map

    def __init__(self, path, *, limit, clock=None):
        self._clock = clock
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path / "table", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SharedStateError(f"cannot use {path} as shared memory: {error}") from error
        self._file = descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = max(limit, BEGIN)
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, size)
            size = os.fstat(descriptor).st_size
            os.posix_fallocate(descriptor, 0, BEGIN)
            self._map = mmap.mmap(descriptor, size)
            PyObject_GetBuffer(self._map, &self._view, PyBUF_WRITABLE)
            self._base = <unsigned char*> self._view.buf
            self._header = <Header*> self._base
            if self._header.ready != READY:
                self._make(size)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except OSError as error:
            os.close(descriptor)
            raise SharedStateError(f"no room for {path}: {error.strerror}") from error

    cdef int _make(self, Py_ssize_t size) except -1:
        """Make an empty table; where its maker is killed, the next process makes it again."""
        secret = os.urandom(16)
        memcpy(self._header.secret, PyBytes_AS_STRING(secret), 16)
        self._header.allocated = BEGIN
        self._header.limit = size
        cdef int stripe
        for stripe in range(STRIPES):
            if make_stripe(stripe_of(self._base, stripe), stripe):
                raise SharedStateError("this system has no locks that outlive their owner")
        memset(self._base + BUCKETS, 0, BEGIN - BUCKETS)
        barrier()
        self._header.ready = READY
        return 0

    cpdef bytes name(self, int kind, key):
        """The name under which the value of a key is kept; kinds tell apart what has the same key."""
        cdef Hash name
        self._hash(key, kind, &name)
        return PyBytes_FromStringAndSize(<char*> &name, sizeof(Hash))

    cpdef tuple load(self, bytes name):
        """The value of a name and when it ends, whether or not it has ended; None where there is none."""
        cdef unsigned char[CAPACITY] value
        cdef Py_ssize_t size = -1
        cdef double end = 0
        cdef Hash hash = hash_of(name)
        cdef Stripe* stripe = stripe_of(self._base, hash.first & (STRIPES - 1))
        cdef Entry* entry
        self._lock(stripe)
        entry = find(self._base, stripe, &hash)
        if entry != NULL:
            size = entry.size
            end = entry.end
            memcpy(value, value_of(entry), size)
        unlock(stripe)
        return None if size < 0 else (PyBytes_FromStringAndSize(<char*> value, size), end)

    cpdef bint swap(self, bytes name, bytes before, bytes after, double end) except -1:
        """Put a value in place of another one (None: where there is none, or to have none); whether that was there.

        Raises SharedStateError for a value that is too long.
        """
        cdef Hash hash = hash_of(name)
        cdef Stripe* stripe = stripe_of(self._base, hash.first & (STRIPES - 1))
        cdef double now = self._now()
        cdef bint same
        cdef Entry* entry
        if after is not None and PyBytes_GET_SIZE(after) > LONGEST:
            raise SharedStateError(f"a counter has room for {LONGEST} bytes, not for {PyBytes_GET_SIZE(after)}")
        self._lock(stripe)
        entry = find(self._base, stripe, &hash)
        if entry == NULL:
            same = before is None
        else:
            same = before is not None and entry.size == PyBytes_GET_SIZE(before) \
                and memcmp(value_of(entry), PyBytes_AS_STRING(before), entry.size) == 0
        if same:
            if entry != NULL and after is not None and entry.size == PyBytes_GET_SIZE(after):
                save(self._base, stripe, entry, sizeof(Entry) + entry.size)
                entry.end = end
                memcpy(value_of(entry), PyBytes_AS_STRING(after), entry.size)
                keep(stripe)
            else:
                if entry != NULL:
                    drop(self._base, stripe, &hash)
                if after is not None:
                    entry = add(self._base, self._file, stripe, &hash, PyBytes_GET_SIZE(after), end, now)
                    memcpy(value_of(entry), PyBytes_AS_STRING(after), entry.size)
                    appended(self._base, stripe, entry)
        unlock(stripe)
        return same

    cpdef tuple count(self, int kind, key, windows, double ttl):
        """As `Counters.count` of the kit."""
        cdef Hash hash
        cdef Counting counting
        cdef Py_ssize_t at = 0
        cdef Stripe* stripe
        cdef int64_t by
        self._hash(key, kind, &hash)
        counting.windows = len(windows)
        if counting.windows > MOST_WINDOWS:
            raise SharedStateError(f"a key may have {MOST_WINDOWS} windows, not {counting.windows}")
        counting.adds = False
        for number, limit, added in windows:
            by = added
            counting.number[at] = number
            counting.limit[at] = limit
            counting.by[at] = by if by < MOST_COUNTED else MOST_COUNTED
            counting.adds |= by != 0
            at += 1
        counting.ttl = ttl
        counting.now = -1.0 if self._clock is None else self._now()
        stripe = stripe_of(self._base, hash.first & (STRIPES - 1))
        self._lock(stripe)
        self._count(stripe, &hash, &counting)
        unlock(stripe)
        return [counting.value[at] for at in range(counting.windows)], counting.added

    cdef void _count(self, Stripe* stripe, Hash* hash, Counting* counting) noexcept nogil:
        """What `windows.counted` says, in place."""
        cdef Py_ssize_t size = counting.windows * 2 * sizeof(int64_t)
        cdef Entry* entry = find(self._base, stripe, hash)
        cdef int64_t* stored = NULL
        cdef bint free = True, turned = False
        cdef Py_ssize_t at
        cdef int64_t number
        if entry != NULL and entry.size == size:
            stored = <int64_t*> value_of(entry)
        for at in range(counting.windows):
            number = counting.number[at]
            counting.value[at] = 0
            if stored != NULL and (stored[2 * at] == number or stored[2 * at] == number + 1):
                if stored[2 * at] != number and counting.by[at] < 0:
                    counting.by[at] = 0  # what is given back was of the window before
                counting.number[at] = stored[2 * at]  # one above: the clock of another was read later
                counting.value[at] = stored[2 * at + 1]
            else:
                turned = True
            if counting.by[at] and counting.value[at] >= counting.limit[at]:
                free = False
        counting.added = free
        if not free:
            return
        for at in range(counting.windows):
            counting.value[at] += counting.by[at]
            if counting.value[at] > MOST_COUNTED:
                counting.value[at] = MOST_COUNTED
        if not counting.adds:
            return
        if not turned and counting.windows == 1:
            stored[1] = counting.value[0]  # one store: there or not
            return
        if turned and counting.now < 0:
            counting.now = monotonic()
        if stored == NULL:
            if entry != NULL:
                drop(self._base, stripe, hash)
            entry = add(self._base, self._file, stripe, hash, size, counting.now + counting.ttl + SLACK, counting.now)
            write_windows(<int64_t*> value_of(entry), counting)
            appended(self._base, stripe, entry)
            return
        save(self._base, stripe, entry, sizeof(Entry) + size)
        if turned:
            entry.end = counting.now + counting.ttl + SLACK
        write_windows(stored, counting)
        keep(stripe)

    @property
    def size(self):
        """Bytes of memory that it takes."""
        return 0 if self._base == NULL else self._header.allocated

    @property
    def entries(self):
        """How many entries there are, those included that have ended and are not taken away yet."""
        cdef Py_ssize_t found = 0
        cdef Stripe* stripe
        cdef uint64_t bucket
        for number in range(STRIPES):
            stripe = stripe_of(self._base, number)
            self._lock(stripe)
            for bucket in range(stripe.buckets):
                found += entries_in(bucket_of(self._base, stripe, bucket))
            unlock(stripe)
        return found

    def close(self):
        """Let go of it."""
        if self._base != NULL:
            self._base = NULL
            PyBuffer_Release(&self._view)
            self._map.close()
            os.close(self._file)

    def __dealloc__(self):
        if self._base != NULL:
            PyBuffer_Release(&self._view)

    cdef int _hash(self, key, int kind, Hash* name) except -1:
        if self._base == NULL:
            raise SharedStateError("the counters are closed")
        if PyUnicode_Check(key) and PyUnicode_IS_COMPACT_ASCII(key):
            sip_hash(self._header.secret, kind, PyUnicode_1BYTE_DATA(key), PyUnicode_GET_LENGTH(key), name)
            return 0
        cdef bytes written = key.encode("utf-8", "surrogatepass")
        sip_hash(
            self._header.secret, kind, <const unsigned char*> PyBytes_AS_STRING(written), PyBytes_GET_SIZE(written), name
        )
        return 0

    cdef double _now(self) except? -1:
        return monotonic() if self._clock is None else self._clock()

    cdef int _lock(self, Stripe* stripe) except -1:
        """Lock a stripe; while another holds it, other threads of this process go on."""
        cdef int error
        if self._base == NULL:
            raise SharedStateError("the counters are closed")
        error = try_lock(self._base, stripe)
        if error == EBUSY:
            with nogil:
                error = lock(self._base, stripe)
        if error:
            raise SharedStateError(f"the counters cannot be locked: {os.strerror(error)}")
        return 0


cdef inline Hash hash_of(bytes name) except *:
    """The hash that a name is."""
    if PyBytes_GET_SIZE(name) != sizeof(Hash):
        raise ValueError("not a name of this table")
    return (<Hash*> PyBytes_AS_STRING(name))[0]


cdef inline void write_windows(int64_t* stored, Counting* counting) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(counting.windows):
        stored[2 * at] = counting.number[at]
        stored[2 * at + 1] = counting.value[at]
