"""Tests of plugins: requests go through the real engine with real bytes on both sides, but without sockets.

    gateway = Harness((MyPlugin, {"greeting": "hello"}))
    answer = gateway.request("GET", "/anything", headers={"X-Name": "Ann"})
    assert answer.status == 200
    assert answer.sent.header("x-greeting") == "hello, Ann"

What the service answers is said with `service`; what it was sent is `answer.sent`, None when it was not asked. A plugin
of a plugin folder is had with `plugin_from`.
"""

from gateline.testing.harness import Harness
from gateline.testing.http import FakeHttp
from gateline.testing.loading import plugin_from
from gateline.testing.messages import Answer, Sent, ServiceAnswer

__all__ = ["Answer", "FakeHttp", "Harness", "Sent", "ServiceAnswer", "plugin_from"]
