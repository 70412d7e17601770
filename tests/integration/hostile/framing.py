"""Where does the body end? Content-Length and Transfer-Encoding in every spelling that two parsers could read in two
ways (request smuggling: CL.TE, TE.CL, TE.TE, CL.0, TE.0, CL.CL)."""

from integration.hostile.entry import FORGED, Entry, get, post

_LAST = b"0\r\n\r\n"
_CHUNKED = b"5\r\nhello\r\n" + _LAST
_BOTH = (b"Content-Length: 6", b"Transfer-Encoding: chunked")

_CODINGS = {
    "xchunked": (b"xchunked", 501),
    "chunkedx": (b"chunkedx", 501),
    "identity": (b"identity", 501),
    "gzip": (b"gzip", 501),
    "gzip, chunked": (b"gzip, chunked", 501),
    "chunked, gzip": (b"chunked, gzip", 501),
    "chunked, identity": (b"chunked, identity", 501),
    "identity, chunked": (b"identity, chunked", 501),
    "chunked twice in a list": (b"chunked, chunked", 400),
    "chunked with an empty element before it": (b", chunked", 400),
    "chunked with an empty element after it": (b"chunked,", 400),
    "chunked with a parameter": (b"chunked; foo=bar", 400),
    "chunked with a semicolon": (b"chunked;", 400),
    "quoted": (b'"chunked"', 400),
    "single-quoted": (b"'chunked'", 501),
    "empty": (b"", 400),
    "a comma": (b",", 400),
    "two words": (b"chunked chunked", 400),
    "vertical tab before": (b"\x0bchunked", 400),
    "vertical tab after": (b"chunked\x0b", 400),
    "form feed before": (b"\x0cchunked", 400),
    "form feed after": (b"chunked\x0c", 400),
    "NUL after": (b"chunked\x00", 400),
    "backspace after": (b"chunked\x08", 400),
    "no-break space before": (b"\xa0chunked", 400),
    "0xff after": (b"chunked\xff", 400),
    "byte order mark before": (b"\xef\xbb\xbfchunked", 400),
    "a letter of another alphabet": ("chunk\u0435d".encode(), 501),
    "bare CR after": (b"chunked\r", 400),
    "bare CR inside": (b"chun\rked", 400),
    "bare LF after": (b"chunked\nX: y", 400),
    "bare CR and another header": (b"chunked\rX: y", 400),
}

_NAMES = {
    "space before the colon": b"Transfer-Encoding : chunked",
    "tab before the colon": b"Transfer-Encoding\t: chunked",
    "space before the name": b" Transfer-Encoding: chunked",
    "tab before the name": b"\tTransfer-Encoding: chunked",
    "vertical tab before the name": b"\x0bTransfer-Encoding: chunked",
    "line break before the colon": b"Transfer-Encoding\r\n : chunked",
    "line break and tab before the colon": b"Transfer-Encoding\r\n\t: chunked",
    "line break before the value": b"Transfer-Encoding:\r\n chunked",
    "bare CR before the colon": b"Transfer-Encoding\r: chunked",
    "NUL in the name": b"Transfer\x00-Encoding: chunked",
    "no colon": b"Transfer-Encoding chunked",
    "equals sign": b"Transfer-Encoding= chunked",
    "hidden behind a bare LF": b"X: y\nTransfer-Encoding: chunked",
    "hidden behind a bare CR": b"X: y\rTransfer-Encoding: chunked",
    "hidden behind LF CR": b"X: y\n\rTransfer-Encoding: chunked",
    "hidden behind CR CR LF": b"X: y\r\r\nTransfer-Encoding: chunked",
    "colon before the name": b":Transfer-Encoding: chunked",
    "quotes around the name": b'"Transfer-Encoding": chunked',
    "slash in the name": b"Transfer/Encoding: chunked",
    "parenthesis in the name": b"Transfer-Encoding(): chunked",
    "obs-text in the name": b"Transfer-Encoding\xff: chunked",
}

_LENGTHS = {
    "plus sign": b"+5",
    "minus sign": b"-5",
    "minus zero": b"-0",
    "hexadecimal": b"0x5",
    "hexadecimal letters": b"a",
    "octal": b"0o5",
    "exponent": b"5e0",
    "fraction": b"5.0",
    "underscore": b"0_5",
    "list of the same": b"5, 5",
    "list without space": b"5,5",
    "list of two": b"5, 6",
    "list with an empty element": b"5,",
    "leading comma": b",5",
    "two numbers": b"5 5",
    "empty": b"",
    "white space only": b"   ",
    "a word": b"five",
    "quoted": b'"5"',
    "semicolon": b"5;",
    "parameter": b"5; a=b",
    "vertical tab": b"5\x0b",
    "vertical tab before": b"\x0b5",
    "NUL": b"5\x00",
    "digits of another alphabet": "\uff15".encode(),
    "superscript digit": b"\xb2",
    "2**63": b"9223372036854775808",
    "2**64": b"18446744073709551616",
    "2**64 + 5": b"18446744073709551621",
    "a hundred digits": b"5" * 100,
    "bare CR": b"5\r",
    "folded": b"\r\n 5",
    "folded after": b"5\r\n 0",
}

ENTRIES = (
    # CL.TE and TE.CL: both headers, in either order and case
    Entry("CL.TE", post(*_BOTH, body=_LAST + FORGED)),
    Entry("TE.CL", post(*reversed(_BOTH), body=b"5c\r\n" + FORGED + b"\r\n0\r\n\r\n")),
    Entry("CL.TE with other case", post(b"content-length: 6", b"TRANSFER-ENCODING: CHUNKED", body=_LAST + FORGED)),
    Entry("length of zero beside chunked", post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=_CHUNKED)),
    Entry("bad length beside chunked", post(b"Content-Length: x", b"Transfer-Encoding: chunked", body=_CHUNKED)),
    Entry("empty length beside chunked", post(b"Content-Length:", b"Transfer-Encoding: chunked", body=_CHUNKED)),
    Entry("GET with both", get(*_BOTH, after=_LAST + FORGED)),
    Entry("both, named in Connection", post(*_BOTH, b"Connection: content-length, close", body=_LAST + FORGED)),
    # TE.TE: a second coding that one parser may not see
    Entry("two codings", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=_CHUNKED)),
    Entry("chunked and x", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x", body=_CHUNKED)),
    Entry("x and chunked", post(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked", body=_CHUNKED), (501,)),
    Entry("chunked and cow", post(b"Transfer-Encoding: chunked", b"transfer-encoding: cow", body=_CHUNKED)),
    Entry("chunked and identity", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=_CHUNKED)),
    Entry("chunked and an empty one", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding:", body=_CHUNKED)),
    *(
        Entry(f"coding: {name}", post(b"Transfer-Encoding: " + value, body=_CHUNKED), (status,))
        for name, (value, status) in _CODINGS.items()
    ),
    *(
        Entry(f"coding beside a length: {name}", post(b"Content-Length: 5", b"Transfer-Encoding: " + value, body=_LAST))
        for name, (value, status) in _CODINGS.items()
        if status == 501
    ),
    *(Entry(f"Transfer-Encoding: {name}", post(line, body=_CHUNKED)) for name, line in _NAMES.items()),
    *(
        Entry(f"Transfer-Encoding after a length: {name}", post(b"Content-Length: 5", line, body=_LAST + FORGED))
        for name, line in _NAMES.items()
        if name.startswith("hidden") or "colon" in name
    ),
    Entry(
        "Transfer-Encoding in HTTP/1.0",
        b"POST /hostile HTTP/1.0\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n" + _CHUNKED,
    ),
    Entry(
        "Transfer-Encoding: line break inside the value",
        post(b"Transfer-Encoding: chun\r\n ked", body=_CHUNKED),
        (501,),
    ),
    # TE.0: a chunked GET whose body must not be taken for the next request
    Entry(
        "TE.0",
        b"OPTIONS /hostile HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(FORGED), FORGED),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry(
        "coding that Connection names stays",
        post(b"Connection: transfer-encoding", b"Transfer-Encoding: chunked", body=_CHUNKED),
        (200,),
        closes=False,
        upstream=1,
    ),
    # CL.CL and CL.0
    *(Entry(f"length: {name}", post(b"Content-Length: " + value, body=b"hello")) for name, value in _LENGTHS.items()),
    Entry("two lengths", post(b"Content-Length: 5", b"Content-Length: 48", body=b"hello" + FORGED)),
    Entry("two lengths, the same", post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello")),
    Entry("two lengths in two cases", post(b"content-length: 5", b"CONTENT-LENGTH: 5", body=b"hello")),
    Entry("two lengths far apart", post(b"Content-Length: 5", *[b"X: y"] * 50, b"Content-Length: 0", body=b"hello")),
    Entry("length with a space before the colon", post(b"Content-Length : 5", body=b"hello")),
    Entry("length on a folded line", post(b"X: y", b" Content-Length: 5", body=b"hello")),
    Entry("length behind a bare LF", post(b"X: y\nContent-Length: 5", body=b"hello")),
    Entry(
        "CL.0",
        get(b"Content-Length: %d" % len(FORGED), after=FORGED),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry(
        "length with leading zeros",
        post(b"Content-Length: 0005", body=b"hello"),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry(
        "length with spaces around", post(b"Content-Length: \t 5 \t", body=b"hello"), (200,), closes=False, upstream=1
    ),
    Entry(
        "length that Connection names stays",
        post(b"Connection: Content-Length", b"Content-Length: %d" % len(FORGED), body=FORGED),
        (200,),
        closes=False,
        upstream=1,
    ),
    Entry("body cut off by the client", post(b"Content-Length: 500", body=b"hello"), (), cut=True, half_close=True),
    Entry("garbage after a body", post(b"Content-Length: 5", body=b"hello, world\r\n\r\n"), (200, 400), upstream=1),
    Entry(
        "line break after a body",  # RFC 9112, section 2.2, lets a server pass over it; it is refused here
        post(b"Content-Length: 5", body=b"hello\r\n" + FORGED),
        (200, 400),
        upstream=1,
    ),
)
