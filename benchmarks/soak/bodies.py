"""An upstream and a client for very large bodies: both produce and check a known pattern without holding it in memory.

The receiving side pauses after its first mebibyte, so that the gateway between them has to make the sender wait: what
it would buffer shows in its memory.
"""

import contextlib
import http.client
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase

from benchmarks.processes import Address
from benchmarks.proxies import HOST, PREFIX

BLOCK = bytes(range(256)) * 1024  # 256 KiB
PAUSE = 1.0  # seconds in which the receiver takes nothing
_PAUSE_AFTER = 2**20  # bytes
_TIMEOUT = 120.0  # seconds


def checksum(size: int) -> int:
    """CRC-32 of `size` bytes of the pattern (whole blocks)."""
    crc = 0
    for _ in range(size // len(BLOCK)):
        crc = zlib.crc32(BLOCK, crc)
    return crc


class Receiver:
    """Counts and checks what arrives, with one pause."""

    def __init__(self) -> None:
        self.size = 0
        self.crc = 0
        self._paused = False

    def take(self, data: bytes | memoryview) -> None:
        """One received piece."""
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)
        if not self._paused and self.size >= _PAUSE_AFTER:
            self._paused = True
            time.sleep(PAUSE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """`/v1/length/SIZE` and `/v1/chunked/SIZE`: that many bytes of the pattern."""
        kind, _, size = self.path.removeprefix(f"{PREFIX}/").partition("/")
        self.send_response(200)
        chunked = kind == "chunked"
        self.send_header("Transfer-Encoding" if chunked else "Content-Length", "chunked" if chunked else size)
        self.end_headers()
        for _ in range(int(size) // len(BLOCK)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        """Any path: answers with size and checksum of what came."""
        receiver = Receiver()
        if length := self.headers.get("Content-Length"):
            _take(self.rfile, int(length), receiver)
        else:
            while size := int(self.rfile.readline(), 16):
                _take(self.rfile, size, receiver)
                self.rfile.readline()
            self.rfile.readline()
        answer = f"{receiver.size} {receiver.crc}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is http.server's)
        """No log."""


def _take(source: BufferedIOBase, size: int, receiver: Receiver) -> None:
    while size:
        data = source.read(min(size, len(BLOCK)))
        if not data:
            raise ConnectionError("the body was cut")
        size -= len(data)
        receiver.take(data)


@contextlib.contextmanager
def bodies_upstream() -> Iterator[Address]:
    """The upstream, in threads of this process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Address("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def download(address: Address, size: int, chunked: bool) -> tuple[int, int]:
    """Take a body of `size` bytes; what came, as size and checksum."""
    receiver = Receiver()
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT)
    with contextlib.closing(connection):
        connection.request("GET", f"{PREFIX}/{'chunked' if chunked else 'length'}/{size}", headers={"Host": HOST})
        answer = connection.getresponse()
        buffer = memoryview(bytearray(len(BLOCK)))
        while count := answer.readinto(buffer):
            receiver.take(buffer[:count])
    return receiver.size, receiver.crc


def upload(address: Address, size: int, chunked: bool) -> tuple[int, int]:
    """Send a body of `size` bytes; what the upstream says that it got, as size and checksum."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT)
    blocks = (BLOCK for _ in range(size // len(BLOCK)))
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    with contextlib.closing(connection):
        connection.request("POST", f"{PREFIX}/upload", blocks, {"Host": HOST, **framing}, encode_chunked=chunked)
        words = connection.getresponse().read().split()
    return (int(words[0]), int(words[1])) if len(words) == 2 and words[0].isdigit() else (0, 0)
