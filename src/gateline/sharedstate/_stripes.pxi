# Stripes, buckets and entries, and how a change is made whole. Everything here is called with the stripe locked, but for
# the locks themselves.

cdef extern from "<errno.h>" nogil:
    enum: EBUSY, EOWNERDEAD

cdef extern from "<fcntl.h>" nogil:
    int posix_fallocate(int file, long long offset, long long size)

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_mutexattr_t:
        pass
    enum: PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED
    int pthread_mutexattr_init(pthread_mutexattr_t*)
    int pthread_mutexattr_setpshared(pthread_mutexattr_t*, int)
    int pthread_mutexattr_setrobust(pthread_mutexattr_t*, int)
    int pthread_mutexattr_destroy(pthread_mutexattr_t*)
    int pthread_mutex_init(pthread_mutex_t*, pthread_mutexattr_t*)
    int pthread_mutex_lock(pthread_mutex_t*)
    int pthread_mutex_trylock(pthread_mutex_t*)
    int pthread_mutex_unlock(pthread_mutex_t*)
    int pthread_mutex_consistent(pthread_mutex_t*)

cdef extern from "<time.h>" nogil:
    struct timespec:
        long tv_sec, tv_nsec
    enum: CLOCK_MONOTONIC
    int clock_gettime(int clock, timespec* time)

cdef extern from *:
    """
    /* A killed process has done all that stands before the point at which it was, and nothing after it; so what matters
       is the order that the compiler writes. Another processor sees it in that order on every system with robust locks
       because the kernel is in between. */
    #define barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
    #define highest_bit(number) (63 - __builtin_clzll(number))
    """
    void barrier() noexcept nogil
    int highest_bit(uint64_t number) noexcept nogil

cdef enum:
    STRIPES = 64
    PAGE = 4096
    BUCKET = 2048
    CAPACITY = BUCKET - 8      # bytes of a bucket for entries
    LONGEST = CAPACITY - 32    # bytes of a value
    BUCKETS = PAGE * (1 + STRIPES)  # where the buckets begin
    FIRST = 4                  # buckets of a stripe at the beginning
    BEGIN = BUCKETS + FIRST * STRIPES * BUCKET
    LARGE = 160                # bytes of an entry
    MOST_SPLITS = 16           # for one new entry, before another has to go for it
    CHUNK = 1 << 20            # bytes that are set aside at a time: a tenth of a millisecond

cdef uint64_t READY = 0x31656c6261546c47ULL  # GlTable1

cdef struct Header:
    uint64_t ready
    uint64_t[2] secret
    uint64_t allocated   # bytes of the file that are set aside
    uint64_t limit

# The copy of what is being changed: `saved` bytes at `place` of the file, what the stripe said, and how much of another
# bucket (at `other`, 0: of none) was in use.
cdef struct Stripe:
    pthread_mutex_t mutex
    uint64_t number
    uint64_t buckets
    uint64_t used        # bytes of entries, in all its buckets
    uint64_t saved
    uint64_t saved_buckets
    uint64_t saved_used
    uint64_t place
    uint64_t other
    uint64_t other_used
    unsigned char[BUCKET] copy

cdef struct Bucket:
    uint64_t used
    unsigned char[CAPACITY] entries

cdef struct Entry:
    Hash hash
    double end           # of the monotonic clock
    int64_t size         # of the value, which follows


cdef inline double monotonic() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


cdef inline Stripe* stripe_of(unsigned char* base, uint64_t number) noexcept nogil:
    return <Stripe*> (base + PAGE + number * PAGE)


cdef inline uint64_t offset_of(Stripe* stripe, uint64_t bucket) noexcept nogil:
    return BUCKETS + (bucket * STRIPES + stripe.number) * BUCKET


cdef inline Bucket* bucket_of(unsigned char* base, Stripe* stripe, uint64_t bucket) noexcept nogil:
    return <Bucket*> (base + offset_of(stripe, bucket))


cdef inline unsigned char* value_of(Entry* entry) noexcept nogil:
    return <unsigned char*> entry + sizeof(Entry)


cdef inline Entry* entry_at(Bucket* bucket, uint64_t at) noexcept nogil:
    return <Entry*> (bucket.entries + at)


cdef inline uint64_t length_of(Entry* entry) noexcept nogil:
    """Bytes that it takes: a multiple of eight, so that every field is aligned."""
    return sizeof(Entry) + ((entry.size + 7) & ~7)


cdef inline uint64_t place_of(uint64_t hash, uint64_t buckets) noexcept nogil:
    """Which of so many buckets a hash means (linear hashing)."""
    cdef uint64_t below = 1ULL << highest_bit(buckets)
    cdef uint64_t place = (hash >> 6) & (2 * below - 1)
    return place if place < buckets else place & (below - 1)


# -- locks ---------------------------------------------------------------------------------------------------------------
cdef int make_stripe(Stripe* stripe, uint64_t number) noexcept nogil:
    """Make a stripe without entries; not 0 where there are no such locks."""
    cdef pthread_mutexattr_t attributes
    memset(stripe, 0, sizeof(Stripe))
    stripe.number = number
    stripe.buckets = FIRST
    if pthread_mutexattr_init(&attributes):
        return -1
    cdef int failed = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)
    failed = failed or pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)
    failed = failed or pthread_mutex_init(&stripe.mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
    return failed


cdef inline int try_lock(unsigned char* base, Stripe* stripe) noexcept nogil:
    cdef int error = pthread_mutex_trylock(&stripe.mutex)
    return taken_over(base, stripe) if error == EOWNERDEAD else error


cdef int lock(unsigned char* base, Stripe* stripe) noexcept nogil:
    cdef int error = pthread_mutex_lock(&stripe.mutex)
    return taken_over(base, stripe) if error == EOWNERDEAD else error


cdef int taken_over(unsigned char* base, Stripe* stripe) noexcept nogil:
    """Undo what the dead owner of the lock had begun."""
    if stripe.saved:
        memcpy(base + stripe.place, stripe.copy, stripe.saved)
        if stripe.other:
            (<Bucket*> (base + stripe.other)).used = stripe.other_used
        stripe.buckets = stripe.saved_buckets
        stripe.used = stripe.saved_used
        barrier()
        stripe.saved = 0
    return pthread_mutex_consistent(&stripe.mutex)


cdef inline void unlock(Stripe* stripe) noexcept nogil:
    pthread_mutex_unlock(&stripe.mutex)


cdef inline void save(unsigned char* base, Stripe* stripe, void* start, uint64_t size) noexcept nogil:
    """Copy what is going to be changed."""
    stripe.other = 0
    save_more(base, stripe, start, size)


cdef inline void save_both(unsigned char* base, Stripe* stripe, Bucket* bucket, Bucket* other) noexcept nogil:
    """Copy a bucket that is going to be changed, and keep in mind how much another one has, to which is added."""
    stripe.other = <unsigned char*> other - base
    stripe.other_used = other.used
    save_more(base, stripe, bucket, BUCKET)


cdef inline void save_more(unsigned char* base, Stripe* stripe, void* start, uint64_t size) noexcept nogil:
    memcpy(stripe.copy, start, size)
    stripe.place = <unsigned char*> start - base
    stripe.saved_buckets = stripe.buckets
    stripe.saved_used = stripe.used
    barrier()
    stripe.saved = size
    barrier()


cdef inline void keep(Stripe* stripe) noexcept nogil:
    """The change is made."""
    barrier()
    stripe.saved = 0


# -- entries -------------------------------------------------------------------------------------------------------------
cdef Entry* find(unsigned char* base, Stripe* stripe, Hash* hash) noexcept nogil:
    """The entry of a hash; NULL where there is none."""
    cdef uint64_t first = place_of(hash.first, stripe.buckets)
    cdef uint64_t second = place_of(hash.second, stripe.buckets)
    cdef Entry* entry = find_in(bucket_of(base, stripe, first), hash)
    if entry == NULL and second != first:
        entry = find_in(bucket_of(base, stripe, second), hash)
    return entry


cdef inline Entry* find_in(Bucket* bucket, Hash* hash) noexcept nogil:
    cdef uint64_t at = 0
    cdef Entry* entry
    while at < bucket.used:
        entry = entry_at(bucket, at)
        if entry.hash.first == hash.first and entry.hash.second == hash.second:
            return entry
        at += length_of(entry)
    return NULL


cdef Py_ssize_t entries_in(Bucket* bucket) noexcept nogil:
    cdef uint64_t at = 0
    cdef Py_ssize_t found = 0
    while at < bucket.used:
        at += length_of(entry_at(bucket, at))
        found += 1
    return found


cdef void drop(unsigned char* base, Stripe* stripe, Hash* hash) noexcept nogil:
    """Take the entry of a hash away."""
    cdef uint64_t place = place_of(hash.first, stripe.buckets)
    cdef Bucket* bucket = bucket_of(base, stripe, place)
    cdef Entry* entry = find_in(bucket, hash)
    if entry == NULL:
        bucket = bucket_of(base, stripe, place_of(hash.second, stripe.buckets))
        entry = find_in(bucket, hash)
    save(base, stripe, bucket, BUCKET)
    remove(stripe, bucket, entry)
    keep(stripe)


cdef inline void remove(Stripe* stripe, Bucket* bucket, Entry* entry) noexcept nogil:
    cdef uint64_t length = length_of(entry)
    cdef unsigned char* after = <unsigned char*> entry + length
    memmove(entry, after, bucket.entries + bucket.used - after)
    bucket.used -= length
    stripe.used -= length


cdef void take_ended(unsigned char* base, Stripe* stripe, Bucket* bucket, double now) noexcept nogil:
    """Take away what has ended."""
    cdef uint64_t at = 0
    cdef bint saved = False
    cdef Entry* entry
    while at < bucket.used:
        entry = entry_at(bucket, at)
        if entry.end > now:
            at += length_of(entry)
            continue
        if not saved:
            save(base, stripe, bucket, BUCKET)
            saved = True
        remove(stripe, bucket, entry)
    if saved:
        keep(stripe)


cdef Entry* next_to_end(Bucket* bucket) noexcept nogil:
    """What would end first, of a bucket that is not empty."""
    cdef uint64_t at = 0
    cdef Entry* entry
    cdef Entry* least = entry_at(bucket, 0)
    while at < bucket.used:
        entry = entry_at(bucket, at)
        if entry.end < least.end:
            least = entry
        at += length_of(entry)
    return least


cdef bint move_one(unsigned char* base, Stripe* stripe, uint64_t place, double now) noexcept nogil:
    """Bring one entry of a bucket into the other one where it may be; False where none has room there."""
    cdef Bucket* bucket = bucket_of(base, stripe, place)
    cdef Bucket* target
    cdef Entry* entry
    cdef uint64_t at = 0, other, length
    while at < bucket.used:
        entry = entry_at(bucket, at)
        length = length_of(entry)
        other = place_of(entry.hash.first, stripe.buckets)
        if other == place:
            other = place_of(entry.hash.second, stripe.buckets)
        target = bucket_of(base, stripe, other)
        if other != place:
            take_ended(base, stripe, target, now)
        if other != place and target.used + length <= CAPACITY:
            memcpy(target.entries + target.used, entry, length)
            save_both(base, stripe, bucket, target)
            remove(stripe, bucket, entry)
            target.used += length
            stripe.used += length
            keep(stripe)
            return True
        at += length
    return False


cdef inline uint64_t roomier(unsigned char* base, Stripe* stripe, Hash* hash) noexcept nogil:
    """Of the two buckets of a hash the one that has more room."""
    cdef uint64_t first = place_of(hash.first, stripe.buckets)
    cdef uint64_t second = place_of(hash.second, stripe.buckets)
    return second if bucket_of(base, stripe, second).used < bucket_of(base, stripe, first).used else first


cdef Bucket* sooner(unsigned char* base, Stripe* stripe, Hash* hash) noexcept nogil:
    """Of the two buckets of a hash, neither of which is empty, the one that has what would end first."""
    cdef Bucket* first = bucket_of(base, stripe, place_of(hash.first, stripe.buckets))
    cdef Bucket* second = bucket_of(base, stripe, place_of(hash.second, stripe.buckets))
    return second if next_to_end(second).end < next_to_end(first).end else first


cdef Entry* add(
    unsigned char* base, int file, Stripe* stripe, Hash* hash, int64_t size, double end, double now
) noexcept nogil:
    """A place for a new entry, whose value is to be written before `appended` makes it one."""
    cdef uint64_t length = sizeof(Entry) + ((size + 7) & ~7)
    cdef uint64_t place, spare
    cdef int more
    cdef Bucket* bucket
    cdef Entry* entry
    take_ended(base, stripe, bucket_of(base, stripe, place_of(hash.first, stripe.buckets)), now)
    take_ended(base, stripe, bucket_of(base, stripe, place_of(hash.second, stripe.buckets)), now)
    # Half full: of buckets that are still to be split the last are half fuller than the others. A quarter, where few
    # entries are a bucket: their number varies more.
    spare = 2 if length <= LARGE else 4
    while spare * (stripe.used + length) > CAPACITY * stripe.buckets and split(base, file, stripe, now):
        pass
    place = roomier(base, stripe, hash)
    for more in range(MOST_SPLITS):
        bucket = bucket_of(base, stripe, place)
        while bucket.used + length > CAPACITY and move_one(base, stripe, place, now):
            pass
        if bucket.used + length <= CAPACITY or not split(base, file, stripe, now):
            break
        place = roomier(base, stripe, hash)
    bucket = bucket_of(base, stripe, place)
    if bucket.used + length > CAPACITY:
        bucket = sooner(base, stripe, hash)
        save(base, stripe, bucket, BUCKET)
        while bucket.used + length > CAPACITY:
            remove(stripe, bucket, next_to_end(bucket))
        keep(stripe)
    entry = entry_at(bucket, bucket.used)
    entry.hash = hash[0]
    entry.end = end
    entry.size = size
    return entry


cdef inline void appended(unsigned char* base, Stripe* stripe, Entry* entry) noexcept nogil:
    """A new entry is complete: one store makes it part of its bucket."""
    cdef uint64_t offset = <unsigned char*> entry - base - BUCKETS
    cdef Bucket* bucket = <Bucket*> (base + BUCKETS + offset // BUCKET * BUCKET)
    barrier()
    bucket.used += length_of(entry)
    stripe.used += length_of(entry)


# -- growth --------------------------------------------------------------------------------------------------------------
cdef bint split(unsigned char* base, int file, Stripe* stripe, double now) noexcept nogil:
    """Make one more bucket of the one whose turn it is; whether there was room in the file."""
    cdef uint64_t new = stripe.buckets
    cdef uint64_t old = new - (1ULL << highest_bit(new))
    cdef uint64_t at = 0, place, length
    cdef Bucket* source = bucket_of(base, stripe, old)
    cdef Bucket* target
    cdef Entry* entry
    if not set_aside(base, file, offset_of(stripe, new) + BUCKET):
        return False
    take_ended(base, stripe, source, now)
    target = bucket_of(base, stripe, new)
    target.used = 0
    save(base, stripe, source, BUCKET)
    while at < source.used:
        entry = entry_at(source, at)
        length = length_of(entry)
        place = entry.hash.first if place_of(entry.hash.first, new) == old else entry.hash.second
        if place_of(place, new + 1) == old:
            at += length
            continue
        memcpy(target.entries + target.used, entry, length)
        target.used += length
        remove(stripe, source, entry)
        stripe.used += length
    stripe.buckets = new + 1
    keep(stripe)
    return True


cdef bint set_aside(unsigned char* base, int file, uint64_t size) noexcept nogil:
    """Have the file system keep pages for so many bytes; others may do the same at the same time."""
    cdef Header* header = <Header*> base
    cdef uint64_t had = header.allocated
    cdef uint64_t wanted = had
    while wanted < size:
        wanted += CHUNK
    if wanted == had:
        return True
    if wanted > header.limit or posix_fallocate(file, had, wanted - had):
        return False
    if header.allocated < wanted:
        header.allocated = wanted
    return True
