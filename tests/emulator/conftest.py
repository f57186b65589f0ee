"""Fixtures of the local cloud's tests."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace

import httpx
import pytest
from starlette.types import ASGIApp

from emulator.clock import Clock
from emulator.cloud import Options
from emulator.iot import api as iot_api
from emulator.iot import signature
from emulator.iot.service import IotPlatform
from emulator.local import LocalCloud, local_cloud
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key
from tests.emulator.iot.sample import Send

COMMON = {
    "Version": "2018-01-20", "Format": "JSON", "RegionId": "cn-shanghai", "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official SDKs prefer keys and proxies of the environment, even for loopback, over those a test passes."""
    for name in [*os.environ]:
        if name.startswith(("ALIYUN_ACCESS_KEY_", "ALIBABA_CLOUD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as running:
        yield running


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.urls.console, timeout=60) as client:
        yield client


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def steady() -> SimpleNamespace:
    """The platform's clocks, which tests may set: monotonic seconds `now`, and the function `wall`."""
    return SimpleNamespace(now=100.0, wall=time.time)


@pytest.fixture
def platform(accounts: Accounts, steady: SimpleNamespace) -> IotPlatform:
    """An IoT Platform with the seed products, whose lists are arrays without `default`."""
    platform = IotPlatform(accounts, clock=Clock(wall=lambda: steady.wall(), monotonic=lambda: steady.now))
    platform.quirks.list_shape = "array"
    platform.quirks.lists_default = False
    return platform


@pytest.fixture
def platform_url(platform: IotPlatform, serve: Callable[[ASGIApp], str]) -> str:
    return serve(iot_api.application(platform))


@pytest.fixture
def call(platform: IotPlatform) -> Send:
    """`call(operation, …)`, without a socket; `changes` apply after signing, and None takes a parameter out."""

    def send(
        operation: str,
        *,
        platform: IotPlatform = platform,
        key: Key | None = None,
        method: str = "POST",
        changes: Mapping[str, str | None] = MappingProxyType({}),
        form: Mapping[str, str] = MappingProxyType({}),
        **parameters: str,
    ) -> httpx.Response:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        signed = {**COMMON, "Action": operation, "SignatureNonce": str(uuid.uuid4()), "Timestamp": now}
        signed |= {"AccessKeyId": key.id if key else ACCESS_KEY_ID, **parameters}
        signed |= {"SecurityToken": key.token} if key and key.token else {}
        text = signature.string_to_sign(method, {**signed, **form})
        signed["Signature"] = signature.sign(key.secret if key else ACCESS_KEY_SECRET, text)
        sent = {name: value for name, value in {**signed, **changes}.items() if value is not None}

        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(iot_api.application(platform))) as client:
                return await client.request(method, "http://iot.local/", params=sent, data=form)

        return asyncio.run(exchange())

    return send
