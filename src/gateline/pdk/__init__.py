"""What plugin authors import; nothing else of Gateline is for them. See docs/plugins/writing.md."""

from gateline.pdk.answers import Answer, ErrorResponse, HeaderForm, HeaderValues, Response, StoredResponse
from gateline.pdk.exchange import Account, Certificates, Exchange, Watcher
from gateline.pdk.header_changes import HeaderChanges
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.pdk.node import EntitiesError, HttpError, HttpResponse, Metric, Node, Series, TalliesError
from gateline.pdk.plugin import PHASES, Phase, Plugin, PluginConfig, PluginError

__all__ = [
    "PHASES",
    "Account",
    "Answer",
    "Certificates",
    "Consumer",
    "Credential",
    "EntitiesError",
    "ErrorResponse",
    "Exchange",
    "HeaderChanges",
    "HeaderForm",
    "HeaderValues",
    "HttpError",
    "HttpResponse",
    "Identity",
    "Metric",
    "Node",
    "Phase",
    "Plugin",
    "PluginConfig",
    "PluginError",
    "Response",
    "Series",
    "StoredResponse",
    "TalliesError",
    "Watcher",
]
