"""Host, request target and their contradictions."""

from integration.hostile.entry import HOST, Entry, get


def _host(*values: bytes) -> bytes:
    return b"GET /hostile HTTP/1.1\r\n" + b"".join(b"Host:%b\r\n" % value for value in values) + b"\r\n"


_HOSTS = {
    "absent": (),
    "twice": (b" gateway.test", b" other.test"),
    "twice the same": (b" gateway.test", b" gateway.test"),
    "twice, one empty": (b" gateway.test", b""),
    "empty": (b"",),
    "white space": (b"  ",),
    "list": (b" gateway.test, other.test",),
    "comma": (b" gateway.test,",),
    "two words": (b" gateway.test other.test",),
    "user": (b" user@gateway.test",),
    "user and password": (b" user:secret@gateway.test",),
    "path": (b" gateway.test/path",),
    "query": (b" gateway.test?x",),
    "fragment": (b" gateway.test#x",),
    "scheme": (b" http://gateway.test",),
    "backslash": (b" gateway.test\\x",),
    "angle brackets": (b" <gateway.test>",),
    "quotes": (b' "gateway.test"',),
    "braces": (b" {gateway}.test",),
    "pipe": (b" gateway|test",),
    "caret": (b" gateway^test",),
    "backtick": (b" `gateway`",),
    "NUL": (b" gateway\x00.test",),
    "tab inside": (b" gateway\t.test",),
    "obs-text": (b" gateway\xe9.test",),
    "port of letters": (b" gateway.test:http",),
    "port with a sign": (b" gateway.test:+80",),
    "port of 65536": (b" gateway.test:65536",),
    "port of many digits": (b" gateway.test:" + b"8" * 30,),
    "two ports": (b" gateway.test:80:80",),
    "port alone": (b" :80",),
    "colon alone": (b" :",),
    "bare IPv6": (b" ::1",),
    "open bracket": (b" [::1",),
    "closing bracket": (b" ::1]",),
    "empty brackets": (b" []",),
    "name in brackets": (b" [gateway.test]",),
    "text after brackets": (b" [::1]x",),
    "zone": (b" [fe80::1%25eth0]",),
    "truncated escape": (b" gateway%2",),
}

_TARGETS = {
    "fragment": b"/hostile#x",
    "NUL": b"/hostile\x00",
    "control character": b"/hostile\x01",
    "delete": b"/hostile\x7f",
    "obs-text": b"/hostile\xe9",
    "no slash": b"hostile",
    "dot": b"./hostile",
    "question mark first": b"?x",
    "backslash first": b"\\hostile",
    "asterisk with a path": b"*/hostile",
    "authority": b"gateway.test:80",
    "percent": b"%2fhostile",
    "URL: ftp": b"ftp://gateway.test/hostile",
    "URL: file": b"file:///etc/passwd",
    "URL: ws": b"ws://gateway.test/hostile",
    "URL: gopher": b"gopher://gateway.test/",
    "URL: javascript": b"javascript:alert(1)",
    "URL: one slash": b"http:/gateway.test/hostile",
    "URL: no slashes": b"http:gateway.test/hostile",
    "URL: empty authority": b"http:///hostile",
    "URL: only a port": b"http://:80/hostile",
    "URL: user": b"http://user@gateway.test/hostile",
    "URL: user and password": b"http://user:secret@gateway.test/hostile",
    "URL: at sign, nothing before": b"http://@gateway.test/hostile",
    "URL: port of letters": b"http://gateway.test:x/hostile",
    "URL: comma in the authority": b"http://gateway.test,other.test/hostile",
    "URL: backslash in the authority": b"http://gateway.test\\@other.test/hostile",
    "URL: open bracket": b"http://[::1/hostile",
    "URL: space in the authority": b"http://gateway test/hostile",
    "URL: fragment": b"http://gateway.test/hostile#x",
    "URL: scheme alone": b"http://",
    "URL: of another host, two Hosts": b"http://gateway.test/hostile HTTP/1.1\r\nHost: other.test\r\nX: y",
}

ENTRIES = (
    *(Entry(f"Host: {name}", _host(*values)) for name, values in _HOSTS.items()),
    *(
        Entry(f"target {name}", get(target=target))
        for name, target in _TARGETS.items()
        if name != "URL: of another host, two Hosts"
    ),
    Entry("Host with a space before the colon", b"GET /hostile HTTP/1.1\r\nHost : gateway.test\r\n\r\n"),
    Entry("Host on a folded line", b"GET /hostile HTTP/1.1\r\nHost:\r\n gateway.test\r\n\r\n"),
    Entry("Host hidden behind a bare LF", b"GET /hostile HTTP/1.1\r\nX: y\nHost: gateway.test\r\n\r\n"),
    Entry("Hosts in two cases", b"GET /hostile HTTP/1.1\r\nHost: gateway.test\r\nhOST: other.test\r\n\r\n"),
    Entry("absolute-form without Host", b"GET http://gateway.test/hostile HTTP/1.1\r\n\r\n"),
    Entry(
        "absolute-form with a bad Host",
        b"GET http://gateway.test/hostile HTTP/1.1\r\nHost: user@other.test\r\n\r\n",
    ),
    Entry("asterisk for GET", get(target=b"*")),
    Entry("asterisk for OPTIONS", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", closes=False),
    Entry(
        "absolute-form of another host",  # RFC 9112, section 3.2.2: the target's authority counts, Host is replaced
        get(target=b"http://other.test/hostile"),
        (404,),
        closes=False,
    ),
    Entry(
        "path that climbs out",
        get(target=b"/hostile/../../../etc/passwd"),
        (404,),
        closes=False,
    ),
    Entry("path that climbs out, encoded", get(target=b"/hostile/%2e%2e/%2E%2e/etc/passwd"), (404,), closes=False),
    Entry("no Host in HTTP/1.0", b"GET /hostile HTTP/1.0\r\n\r\n", (404,)),
)
