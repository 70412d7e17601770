"""What is read in a Kong plugin's source: the style of results, whether bodies are read, whether it may block."""

import textwrap

import pytest

from gateline.pdk.kong.api import paths
from gateline.pdk.kong.styles import Reading, is_kong_plugin, read


def _read(source: str) -> Reading:
    return read([textwrap.dedent(source).encode()], paths())


@pytest.mark.parametrize(
    ("source", "pair"),
    [
        ("host, err = kong.request.get_header('host')", True),
        ("[host, err] = kong.request.get_header('host')", True),
        ("host = kong.request.get_header('host')[0]", True),
        ("got = kong.request.get_header('host')\nhost = got[0]", True),
        ("got = kong.request.get_header('host')\nhost, err = got", True),
        ("r = kong.request\nhost, err = r.get_header('host')", True),
        ("host, err = self.kong.request.get_header('host')", True),
        ("host = kong.request.get_header('host')\nuse(host)", False),
        ("if kong.request.get_header('host'): pass", False),
        ("if not (key := kong.request.get_header('host')): use(key)", False),
        ("kong.response.set_header('a', kong.request.get_header('host'))", False),
        ("x = kong.request.get_header('host') or 'none'", False),
        ("host = kong.request.get_header('host')\nif host is None: pass", False),
        ("kong.log.info(kong.request.get_header('host'))", True),
        ("pass", True),
    ],
)
def test_how_results_are_taken_is_how_they_are_given(source: str, pair: bool) -> None:
    assert _read(source).styles.is_pair("request.get_header") is pair


def test_each_function_is_given_as_it_is_taken() -> None:
    styles = _read("""
        def access(kong):
            key = kong.request.get_header("x-api-key")
            if not key:
                kong.response.exit(401, {"message": "no"})
            body, err = kong.request.get_raw_body()
            headers = kong.request.get_headers()
            use(headers["host"])
    """).styles
    assert not styles.is_pair("request.get_header")
    assert not styles.is_pair("request.get_headers")
    assert styles.is_pair("request.get_raw_body")
    assert styles.is_pair("request.get_path")


def test_one_that_takes_plain_values_only_gets_them_everywhere() -> None:
    assert not _read("use(kong.request.get_path())").styles.is_pair("request.get_method")


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("kong.request.get_raw_body()", True),
        ("body, err = kong.request.get_body()", True),
        ("kong.service.response.get_raw_body()", False),
        ("kong.request.get_header('a')", False),
    ],
)
def test_bodies_are_kept_for_those_that_read_them(source: str, reads: bool) -> None:
    assert _read(source).reads_body is reads


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        ("import json, re, hashlib", False),
        ("import os.path\nfrom urllib.parse import quote\nimport kong_pdk.pdk.kong as kong", False),
        ("import requests", True),
        ("from urllib import request", True),
        ("import urllib.request", True),
        ("import http.client", True),
        ("def f():\n    import redis", True),
        ("import a_module_that_nobody_knows", True),
        ("import time\ntime.sleep(1)", True),
        ("from time import sleep\nsleep(1)", True),
        ("import os\nos.system('x')", True),
    ],
)
def test_what_is_not_known_to_only_compute_may_block(source: str, blocks: bool) -> None:
    assert _read(source).may_block is blocks


@pytest.mark.parametrize(
    ("source", "kongs"),
    [
        ("class Plugin:\n    pass", True),
        ("class Plugin(object):\n    pass", True),
        ("from gateline.pdk import Plugin", False),
        ("from gateline import pdk\nclass Plugin(pdk.Plugin):\n    pass", False),
        ("class Other:\n    pass", False),
        ("class Plugin", False),
    ],
)
def test_a_kong_plugin_is_known_by_its_class(source: str, kongs: bool) -> None:
    assert is_kong_plugin(source.encode()) is kongs
