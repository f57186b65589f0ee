"""The platform's RPC APIs, beside those that have clients of their own: signed as IoT Platform's calls are."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError

SECONDS = 15
"""For one call."""

Send = Callable[[str, str, Mapping[str, str], bytes], http.Answer]
"""Sends a request: address, method, headers, body."""


@dataclass(frozen=True)
class Service:
    """An API; `{region}` in its host is the target's region."""

    name: str
    host: str
    version: str


STS = Service("STS", "sts.{region}.aliyuncs.com", "2015-04-01")
CLOUD_MONITOR = Service("CloudMonitor", "metrics.{region}.aliyuncs.com", "2019-01-01")
# The host of the vendor's SDK for this version.
EVENT_BRIDGE = Service("EventBridge", "eventbridge-console.{region}.aliyuncs.com", "2020-04-01")
RAM = Service("RAM", "ram.aliyuncs.com", "2015-05-01")


def send(url: str, method: str, headers: Mapping[str, str], body: bytes) -> http.Answer:
    """Send a request over the network. Raises: CloudError: no answer."""
    return http.call(url, method, headers, body, SECONDS)


class OpenApi:
    """Calls with a target's keys; `send` stands for the network."""

    def __init__(self, target: Target, send: Send = send) -> None:
        self._target = target
        self._send = send

    def call(
        self,
        service: Service,
        action: str,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Call an action, with parameters in the query or in a form, and return its answer.

        Raises: CloudError: there is no answer, or a refusal.
        """
        # Not above: most commands make no such call.
        from aliyunsdkcore.auth.composer import rpc_signature_composer

        keys = self._target.keys
        common = {"Version": service.version, "Action": action, "RegionId": self._target.region}
        if keys.token:
            common["SecurityToken"] = keys.token
        path, _ = rpc_signature_composer.get_signed_url(
            {**common, **(query or {})}, keys.id, keys.secret, "JSON", "POST", dict(form or {})
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        host = service.host.format(region=self._target.region)
        answer = self._send(f"https://{host}{path}", "POST", headers, urlencode(form or {}).encode())
        return _read(service, action, answer)


def _read(service: Service, action: str, answer: http.Answer) -> dict[str, Any]:
    try:
        value = json.loads(answer.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CloudError(f"{service.name}: {action} answered {answer.status} without JSON")
    if answer.status >= 400 or value.get("Success") is False:
        code = str(value.get("Code") or answer.status)
        raise CloudError(f"{service.name}: {action}: {code}: {value.get('Message') or 'no reason given'}", code)
    return value
