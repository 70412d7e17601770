# SipHash-1-3 with 128 bits (Aumasson and Bernstein; the reduced rounds are those of CPython and Rust), keyed with the
# table's secret.

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef struct Hash:
    uint64_t first
    uint64_t second

cdef struct Sip:
    uint64_t a
    uint64_t b
    uint64_t c
    uint64_t d


cdef inline uint64_t rotated(uint64_t word, int by) noexcept nogil:
    return (word << by) | (word >> (64 - by))


cdef inline void sip_round(Sip* state) noexcept nogil:
    state.a += state.b
    state.b = rotated(state.b, 13) ^ state.a
    state.a = rotated(state.a, 32)
    state.c += state.d
    state.d = rotated(state.d, 16) ^ state.c
    state.a += state.d
    state.d = rotated(state.d, 21) ^ state.a
    state.c += state.b
    state.b = rotated(state.b, 17) ^ state.c
    state.c = rotated(state.c, 32)


cdef inline void sip_word(Sip* state, uint64_t word) noexcept nogil:
    state.d ^= word
    sip_round(state)
    state.a ^= word


cdef inline uint64_t sip_end(Sip* state) noexcept nogil:
    sip_round(state)
    sip_round(state)
    sip_round(state)
    return state.a ^ state.b ^ state.c ^ state.d


cdef void sip_hash(uint64_t* secret, int kind, const unsigned char* data, Py_ssize_t size, Hash* hash) noexcept nogil:
    """The hash of bytes, which differs from kind to kind."""
    cdef Sip state
    cdef uint64_t word
    cdef Py_ssize_t at = 0
    state.a = secret[0] ^ 0x736f6d6570736575ULL
    state.b = secret[1] ^ 0x646f72616e646f6dULL ^ 0xeeULL
    state.c = secret[0] ^ 0x6c7967656e657261ULL
    state.d = secret[1] ^ 0x7465646279746573ULL
    sip_word(&state, <uint64_t> kind)
    while at + 8 <= size:
        memcpy(&word, data + at, 8)
        sip_word(&state, word)
        at += 8
    word = 0
    memcpy(&word, data + at, size - at)
    sip_word(&state, word | <uint64_t> size << 56)
    state.c ^= 0xeeULL
    hash.first = sip_end(&state)
    state.b ^= 0xddULL
    hash.second = sip_end(&state)
