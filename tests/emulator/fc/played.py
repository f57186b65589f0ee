"""Runs functions for the tests: in this process, or served over HTTP with a client."""

import asyncio
import logging
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fc2
import pytest
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from emulator.clock import Clock
from emulator.fc.api import application
from emulator.fc.config import FunctionConfig
from emulator.fc.instances import Instance
from emulator.fc.service import FunctionCompute, Invocation
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key
from tests.support.waiting import soon

CODE = Path(__file__).parent / "functions"
OWNER = Key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
logging.getLogger().addHandler(logging.NullHandler())  # aliyun-fc2 would print whole requests where nobody listens


def config(name: str, **more: Any) -> FunctionConfig:
    """A function of samples.py."""
    return FunctionConfig(name, **{"handler": f"samples.{name}", "code": CODE, "role": "ota-modules", **more})


class Fc:
    """A served Function Compute, and clients of FC 2.0 for it; retries follow at once."""

    def __init__(self, serve: Callable[[ASGIApp], str], *functions: FunctionConfig) -> None:
        self.accounts = Accounts()
        self.service = FunctionCompute(self.accounts, functions, clock=Clock(scale=0.0))
        self.url = serve(application(self.service))
        self.client = self.client_of(OWNER)

    def client_of(self, key: Key) -> Any:
        return fc2.Client(
            endpoint=self.url, accessKeyID=key.id, accessKeySecret=key.secret, securityToken=key.token, Timeout=30
        )

    def invoke(self, name: str, payload: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.invoke_function("ota-modules", name, payload, named)


def refusal(call: Callable[..., object], *arguments: object, **more: object) -> tuple[int, str]:
    """Call what the service must refuse; return status and code of the error that aliyun-fc2 raises."""
    with pytest.raises(SdkError) as refused:
        call(*arguments, **more)
    return refused.value.status_code, refused.value.err_code


def write(folder: Path, source: str, **more: Any) -> FunctionConfig:
    """Write the module of the function `f`, and configure it; `handler` is its handler."""
    (folder / "mine.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return FunctionConfig("f", **{"handler": "mine.handler", "code": folder, **more})


def play(config: FunctionConfig, scenario: Callable[[FunctionCompute], Awaitable[Any]]) -> Any:
    """Run a scenario with one function, and end what it started."""

    async def run() -> Any:
        service = FunctionCompute(Accounts(), [config])
        try:
            return await scenario(service)
        finally:
            await service.stop()

    return asyncio.run(run())


def call(config: FunctionConfig, *events: bytes) -> list[Invocation]:
    """Call a function with each event in turn."""

    async def scenario(service: FunctionCompute) -> list[Invocation]:
        return [await service.invoke(config.name, event) for event in events or (b"",)]

    results: list[Invocation] = play(config, scenario)
    return results


async def begin(service: FunctionCompute, event: bytes = b"") -> tuple[asyncio.Future[Invocation], Instance]:
    """Call the function f; return the call and the instance that is busy with it."""
    running = asyncio.ensure_future(service.invoke("f", event))
    await soon(lambda: service.instances and service.instances[0].state == "busy")
    return running, service.instances[0]
