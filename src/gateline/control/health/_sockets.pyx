# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=False
"""Sockets by their descriptors: a system call each, no object of Python around it. `_pysockets` is the twin in plain
Python; what the functions do stands in `bare_sockets`.

No call waits for anything, so the GIL is kept.
"""

import os
import socket

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EINPROGRESS, EINTR, errno
from posix.unistd cimport close

cdef extern from *:
    """
    #include <sys/socket.h>
    #include <netinet/tcp.h>
    /* Where these are not, there is no epoll either: it need only compile. */
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0
    #endif
    #ifndef SOCK_NONBLOCK
    #define SOCK_NONBLOCK 0
    #define SOCK_CLOEXEC 0
    #endif
    #ifndef TCP_QUICKACK
    #define TCP_QUICKACK 0
    #endif
    """
    int SOCK_NONBLOCK, SOCK_CLOEXEC, MSG_NOSIGNAL, TCP_QUICKACK

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    struct linger:
        int l_onoff
        int l_linger
    int SOCK_STREAM, AF_INET, AF_INET6, SOL_SOCKET, SO_LINGER
    int c_socket "socket"(int, int, int)
    int c_connect "connect"(int, const sockaddr*, socklen_t)
    int setsockopt(int, int, int, const void*, socklen_t)
    ssize_t c_send "send"(int, const void*, size_t, int)
    ssize_t recv(int, void*, size_t, int)

cdef extern from "<arpa/inet.h>" nogil:
    unsigned short htons(unsigned short)
    int inet_pton(int, const char*, void*)

cdef extern from "<netinet/in.h>" nogil:
    int IPPROTO_TCP
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        unsigned short sin6_family
        unsigned short sin6_port
        unsigned int sin6_flowinfo
        in6_addr sin6_addr
        unsigned int sin6_scope_id

cdef enum:
    MOST = 4096


cdef class Sockets:
    """See `gateline.control.health.bare_sockets.Sockets`."""

    def destination(self, str address, int port):
        cdef sockaddr_in four
        cdef sockaddr_in6 six
        family, _, _, _, found = socket.getaddrinfo(
            address, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        text = found[0].partition("%")[0].encode()
        if family == socket.AF_INET:
            four.sin_family = AF_INET
            four.sin_port = htons(port)
            inet_pton(AF_INET, text, &four.sin_addr)
            return PyBytes_FromStringAndSize(<char*>&four, sizeof(four))
        six.sin6_family = AF_INET6
        six.sin6_port = htons(port)
        six.sin6_flowinfo = 0
        six.sin6_scope_id = found[3]
        inet_pton(AF_INET6, text, &six.sin6_addr)
        return PyBytes_FromStringAndSize(<char*>&six, sizeof(six))

    cpdef int dial(self, object destination, bint speaks) except -1:
        cdef bytes packed = destination
        cdef const sockaddr* to = <const sockaddr*>PyBytes_AS_STRING(packed)
        cdef int off = 0, descriptor = c_socket(to.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
        if descriptor < 0:
            raise OSError(errno, os.strerror(errno))
        if speaks:
            setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off))
        if c_connect(descriptor, to, PyBytes_GET_SIZE(packed)) and errno != EINPROGRESS:
            close(descriptor)
            return -2
        return descriptor

    cpdef Py_ssize_t send(self, int descriptor, bytes data) except -2:
        cdef Py_ssize_t sent = c_send(descriptor, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), MSG_NOSIGNAL)
        if sent >= 0:
            return sent
        return 0 if errno == EAGAIN or errno == EINTR else -1

    cpdef bytes receive(self, int descriptor):
        cdef char buffer[MOST]
        cdef Py_ssize_t size = recv(descriptor, buffer, MOST, 0)
        if size < 0:
            return None if errno == EAGAIN or errno == EINTR else b""
        return PyBytes_FromStringAndSize(buffer, size)

    cpdef int hang_up(self, int descriptor) except -1:
        cdef linger at_once
        at_once.l_onoff = 1
        at_once.l_linger = 0
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once))
        close(descriptor)
        return 0
