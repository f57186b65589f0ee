"""The platform's APIs, beside those that have clients of their own, and the signature that HTTP triggers want, too."""

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError
from handler.credentials import Credentials

Send = Callable[[str, str, Mapping[str, str], bytes], http.Answer]
"""Sends a request: address, method, headers, body. Raises: CloudError: no answer."""
send: Send = partial(http.call, seconds=15)


class Service(NamedTuple):
    """An API; its address holds what differs between targets."""

    name: str
    version: str
    url: str


STS = Service("STS", "2015-04-01", "https://sts.{region}.aliyuncs.com")
CLOUD_MONITOR = Service("CloudMonitor", "2019-01-01", "https://metrics.{region}.aliyuncs.com")
# The host of the vendor's SDK for this version.
EVENT_BRIDGE = Service("EventBridge", "2020-04-01", "https://eventbridge-console.{region}.aliyuncs.com")
RAM = Service("RAM", "2015-05-01", "https://ram.aliyuncs.com")
FUNCTION_COMPUTE = Service("Function Compute", "2023-03-30", "{fc_url}")
ALGORITHM = "ACS3-HMAC-SHA256"


class OpenApi(NamedTuple):
    """Calls with a target's keys; `send` stands for the network."""

    target: Target
    send: Send = send

    def call(self, service: Service, action: str, /, path: str | None = None, *, form: bool = False, **parameters: str
             ) -> dict[str, Any]:  # fmt: skip
        """Call an action, with parameters in the query or in a form, or read what is at a path, and return the answer.

        Raises: CloudError: there is no answer, or a refusal.
        """
        encoded = urlencode(parameters, quote_via=quote)
        body = encoded.encode() if form else b""
        target = self.target
        url = service.url.format(region=target.region, fc_url=target.fc_url) + (path or "/")
        url += f"?{encoded}" if encoded and not form else ""
        payload = hashlib.sha256(body).hexdigest()
        headers = {
            "accept": "application/json",
            "host": urlsplit(url).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": payload,
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-version": service.version,
        } | ({"content-type": "application/x-www-form-urlencoded"} if form else {})
        method = "GET" if path else "POST"
        answer = self.send(url, method, signed_headers(method, url, target.keys, time.time(), headers, payload), body)
        what = f"{service.name}: {action}"
        value = http.json_value(answer.content)
        if not isinstance(value, dict):
            raise CloudError(f"{what} answered {answer.status} without JSON", str(answer.status))
        if answer.status >= 400 or value.get("Success") is False:
            code = str(value.get("Code") or answer.status)
            raise CloudError(f"{what}: {code}: {value.get('Message') or 'no reason given'}", code)
        return value


def signed_headers(
    method: str, url: str, keys: Credentials, moment: float, headers: Mapping[str, str] | None = None, payload: str = ""
) -> dict[str, str]:
    """Return `headers`, whose names are in lower case, and those that let a call in; `moment` is unix seconds.

    `payload` is the hash of the body: empty for HTTP triggers, which leave the body unsigned ("V3 request body and signature";
    Function Compute 3.0, "Configure signature authentication for HTTP triggers").
    """
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    token = {"x-acs-security-token": keys.security_token} if keys.security_token else {}
    sent = {**(headers or {}), "x-acs-date": date, **token}
    signed = [name for name in sorted(sent) if name.startswith("x-acs-") or name in ("host", "content-type")]
    names = ";".join(signed)
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    canonical = "\n".join((
        method,
        quote(unquote(parts.path) or "/", safe="/~"),
        "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
        "".join(f"{name}:{sent[name]}\n" for name in signed),
        names,
        payload,
    ))  # fmt: skip
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys.access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={keys.access_key_id},SignedHeaders={names},Signature={signature}"
    return {**sent, "Authorization": f"{ALGORITHM} {credential}"}
