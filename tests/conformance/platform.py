"""A platform that can be asked: the IoT API and SMQ through the vendor's own SDKs, on an account or on one machine."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from mns.account import Account

from emulator.cloud import Options
from emulator.local import local_cloud
from handler.credentials import Credentials

PAUSE = 0.5
"""Seconds between two calls: two of the account's ten a second, so that others notice nothing."""
BUSY = 1.2
"""Seconds after a throttle: refused calls may count, too, so that a second without any has to pass."""
MOST_THROTTLES = 20
LOCAL_PRODUCT, LOCAL_SECRET = "a1Conformance", "testsecret"


@dataclass(frozen=True)
class Answer:
    """What the API said to a call: its HTTP status, and its body with keys in lower case."""

    status: int
    body: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        return self.body.get("success") in (True, "true")

    @property
    def code(self) -> str:
        return str(self.body.get("code") or "")


@dataclass(frozen=True)
class Platform:
    """Where to ask. `product` must be one that nobody uses: modules are made in it, and taken away again."""

    region: str
    iot_url: str
    smq_url: str
    keys: Credentials
    product: str
    instance: str | None = None
    sleep: Callable[[float], None] = time.sleep

    def call(self, operation: str, **parameters: str) -> Answer:
        """Call an operation of the IoT API for the product, and again where it is one too many: others call it, too."""
        for _ in range(MOST_THROTTLES):
            answer = self._call(operation, parameters)
            if not answer.code.startswith("Throttling"):
                break
            self.sleep(BUSY)
        return answer

    def _call(self, operation: str, parameters: Mapping[str, str]) -> Answer:
        self.sleep(PAUSE)
        scheme, _, host = self.iot_url.partition("://")
        request = CommonRequest(domain=host, version="2018-01-20", action_name=operation)
        request.set_protocol_type(scheme)
        request.set_method("POST")
        instance = {"IotInstanceId": self.instance} if self.instance else {}
        for name, value in {"ProductKey": self.product, **instance, **parameters}.items():
            request.add_query_param(name, value)
        try:
            return Answer(200, _lower(json.loads(self._client.do_action_with_exception(request))))
        except ServerException as error:
            return Answer(error.get_http_status(), {"code": error.get_error_code()})

    def modules(self) -> list[dict[str, Any]]:
        """Return the product's own modules, in whatever shape the list came."""
        listed = entries(self.call("ListOTAModuleByProduct").body.get("data"))
        return [module for module in listed if str(module.get("modulename", "")).lower() != "default"]

    def messages(self) -> Account:
        """Return the vendor's SMQ client."""
        return Account(self.smq_url, *self.keys)

    @cached_property
    def _client(self) -> AcsClient:
        key, secret, token = self.keys
        credential = StsTokenCredential(key, secret, token) if token else AccessKeyCredential(key, secret)
        return AcsClient(region_id=self.region, credential=credential, auto_retry=False)


@contextmanager
def local_platform(**options: Any) -> Iterator[Platform]:
    """Run a local cloud that can be asked, without a pause between two calls. Raises: AnswersError."""
    with local_cloud(Options(port=0, products=[(LOCAL_PRODUCT, None)], **options)) as cloud:
        keys = Credentials("testid", LOCAL_SECRET)
        yield Platform("cn-shanghai", cloud.urls.iot, cloud.urls.smq, keys, LOCAL_PRODUCT, sleep=lambda _: None)


def entries(data: Any) -> list[dict[str, Any]]:
    """Return the entries of a list's Data, their keys in lower case: an array, one object, an array inside it, or nothing."""
    if isinstance(data, dict):
        data = next((value for value in data.values() if isinstance(value, list)), [data] if data else [])
    return [_lower(entry) for entry in data or []]


def shape(data: Any) -> str:
    """Name the shape of a list's Data, as the local cloud does."""
    if isinstance(data, dict):
        return "wrapped" if any(isinstance(value, list) for value in data.values()) else "object"
    return "null" if data is None else "array"


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}
