"""Shows a case of the conformance format (tests/conformance/README.md) as a reader would try it: kong.yml and curl."""

import json
import re
import shlex
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import yaml

__all__ = ["shown"]

_PLACES = {
    "echo": "127.0.0.1:9000",
    "a": "127.0.0.1:9001",
    "b": "127.0.0.1:9002",
    "c": "127.0.0.1:9003",
    "ldap.port": "389",
}
_DATE = "Thu, 26 Nov 2026 14:24:49 GMT"
_ADDRESS = re.compile(r"\$\{(echo|a|b|c)\}|\"\$\{(ldap\.port)\}\"")


def shown(case: dict[str, Any]) -> str:
    """The case as Markdown: its configuration, then what is sent and what comes back."""
    parts = [f"### {case['name'][:1].upper()}{case['name'][1:]}\n"]
    if case.get("description"):
        parts.append(f"{case['description'].strip()}\n")
    if case.get("config"):
        parts.append(f"```yaml\n{_document(case['config'])}```\n")
    session = "\n\n".join(text for step in case["steps"] if (text := _step(step)))
    parts.append(f"```console\n{session}\n```\n")
    return "\n".join(parts)


def _document(config: dict[str, Any]) -> str:
    plain = json.loads(_placed(json.dumps({"_format_version": "3.0", **config})))  # through JSON: no YAML anchors
    return str(yaml.safe_dump(plain, sort_keys=False, width=100, allow_unicode=True))


def _placed(text: str) -> str:
    return _ADDRESS.sub(lambda match: _PLACES[match[1] or match[2]], text).replace("${date}", _DATE)


def _step(step: dict[str, Any]) -> str:
    if "send" in step or "admin" in step:
        spec = step.get("send") or step["admin"]
        times = step.get("times", 1)
        lines = [f"# {times} times"] if times > 1 else []
        lines += [*_signature(spec), f"$ {_curl(spec, 8000 if 'send' in step else 8001)}"]
        return _placed("\n".join([*lines, *_answer(step.get("expect", {}))]))
    if "behave" in step:
        return f"# the service answers: {_behaviour(step.get('as', {}))}"
    if "config" in step:
        return f"# another kong.yml\n{_document(step['config'])}"
    return f"$ sleep {step['sleep']:g}" if "sleep" in step else ""


def _behaviour(rule: dict[str, Any]) -> str:
    told = [str(rule.get("status", 200)), *(f"{name}: {value}" for name, value in rule.get("headers", {}).items())]
    if "json" in rule:
        told.append(json.dumps(rule["json"]))
    elif "body" in rule:
        told.append(str(rule["body"]))
    return ", ".join(told)


def _curl(spec: dict[str, Any], port: int) -> str:
    if "raw" in spec:
        return (
            f"printf {shlex.quote(spec['raw'].replace(chr(10), chr(92) + 'r' + chr(92) + 'n'))} | nc 127.0.0.1 {port}"
        )
    data = [*_data(spec)]
    method = spec.get("method", "POST" if data else "GET")
    words = ["curl", "-i"]
    if method == "HEAD":
        words.append("--head")
    elif method != ("POST" if data else "GET"):
        words += ["-X", method]
    words.append(f"http://127.0.0.1:{port}{spec.get('path', '/')}")
    for line in _headers(spec):
        words += ["-H", line]
    return " ".join([*map(shlex.quote, words), *data])


def _headers(spec: dict[str, Any]) -> Iterator[str]:
    if "host" in spec:
        yield f"Host: {spec['host']}"
    for name, values in spec.get("headers", {}).items():
        for value in values if isinstance(values, list) else [values]:
            yield f"{name}: {value}" if value != "" else f"{name};"  # curl's way to send an empty header
    if "json" in spec:
        yield "Content-Type: application/json"
    if spec.get("chunked"):
        yield "Transfer-Encoding: chunked"
    if "bearer" in spec:
        yield "Authorization: Bearer TOKEN"
    if "hmac" in spec:
        yield f"{spec['hmac'].get('send_as', 'Authorization')}: SIGNATURE"


def _data(spec: dict[str, Any]) -> Iterator[str]:
    """The words that give the body, quoted already."""
    if "json" in spec:
        yield f"-d {shlex.quote(json.dumps(spec['json']))}"
    elif "form" in spec:
        form = spec["form"]
        pairs = form.items() if isinstance(form, dict) else form
        yield from (f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in pairs)
    elif "body" in spec:
        times = spec.get("body_times", 1)
        if times > 1:
            yield f'-d "$(printf {shlex.quote(spec["body"] + "%.0s")} {{1..{times}}})"'
        else:
            yield f"--data-binary {shlex.quote(spec['body'])}"


def _signature(spec: dict[str, Any]) -> Iterator[str]:
    """What a token or signature in the command stands for."""
    if "bearer" in spec:
        token = spec["bearer"]
        yield f"# TOKEN: {token.get('algorithm', 'HS256')} over {json.dumps(token['claims'])}, secret {token['secret']}"
    if "hmac" in spec:
        signed = spec["hmac"]
        who = f"by {signed['username']} with the secret {signed['secret']}"
        yield f"# SIGNATURE: of {', '.join(signed['headers'])}, {who}"


def _answer(expect: dict[str, Any]) -> Iterator[str]:
    status = expect.get("status")
    if status is not None:
        code = int(status[0] if isinstance(status, list) else status)
        known = code in HTTPStatus._value2member_map_
        yield f"HTTP/1.1 {code} {HTTPStatus(code).phrase if known else ''}".rstrip()
    absent = []
    for name, value in expect.get("headers", {}).items():
        if value is None:
            absent.append(name)
        else:
            yield f"{name}: {'...' if str(value).startswith('~') else value}"
    if absent:
        yield f"# without {', '.join(absent)}"
    yield from _body(expect)
    for place, name in expect.get("capture", {}).items():
        yield f"# {name}: {place.removeprefix('header:')} of this answer"
    yield from _reached(expect.get("upstream"))


def _body(expect: dict[str, Any]) -> Iterator[str]:
    told = expect.get("json", expect.get("json_has"))
    if told is not None:
        yield f"\n{_compact(told)}"
    elif expect.get("body"):
        yield f"\n{expect['body']}"
    elif expect.get("body_matches"):
        yield f"\n...\n{_text(expect['body_matches'])}\n..."


def _text(pattern: str) -> str:
    """The text that a regex describes, where all that is special in it is escaped."""
    return re.sub(r"\\(.)", r"\1", pattern)


def _compact(value: Any) -> str:
    """JSON on one line; what only a regex says is left open."""
    return re.sub(r'"~[^"]*"', '"..."', json.dumps(value, ensure_ascii=False))


def _reached(upstream: dict[str, Any] | None) -> Iterator[str]:
    if not upstream:
        return
    line = " ".join(str(upstream[name]) for name in ("method", "uri") if name in upstream)
    headers = upstream.get("headers", {})
    told = [line] if line else []
    told += [f"{name}: {'...' if str(value).startswith('~') else value}" for name, value in headers.items() if value]
    told += [f"no {name}" for name, value in headers.items() if value is None]
    if upstream.get("body"):
        told.append(f"body {upstream['body']}")
    if told:
        yield f"# the service got: {', '.join(told)}"
