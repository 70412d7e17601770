"""What plugins see of an exchange: the implementations of `gateline.pdk.exchange`.

A view holds its exchange and nothing else; one is made whenever a plugin asks for it, so that an exchange refers to no
view and there is no cycle to collect.
"""

from gateline.engine.views.account import Account
from gateline.engine.views.client import ClientView, ConnectionView
from gateline.engine.views.request import RequestView
from gateline.engine.views.response import ResponseView, ServiceResponseView
from gateline.engine.views.service_request import ServiceRequestView

__all__ = [
    "Account",
    "ClientView",
    "ConnectionView",
    "RequestView",
    "ResponseView",
    "ServiceRequestView",
    "ServiceResponseView",
]
