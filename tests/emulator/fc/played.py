"""Runs functions for the tests: in this process, or served over HTTP with a client."""

import asyncio
import logging
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
from emulator.fc.service import FunctionCompute
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key

CODE = Path(__file__).parent / "functions"
OWNER = Key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
logging.getLogger().addHandler(logging.NullHandler())  # aliyun-fc2 would print whole requests where nobody listens


def config(name: str, **more: Any) -> FunctionConfig:
    """A function of samples.py."""
    return FunctionConfig(name, **{"handler": f"samples.{name}", "code": CODE, "role": "ota-modules", **more})


class Fc:
    """A served Function Compute, and clients of FC 2.0 for it."""

    def __init__(self, serve: Callable[[ASGIApp], str], *functions: FunctionConfig, **clock: Any) -> None:
        self.accounts = Accounts()
        self.service = FunctionCompute(self.accounts, functions, clock=Clock(**clock))
        self.url = serve(application(self.service))
        self.client = self.client_of(OWNER)

    def client_of(self, key: Key) -> Any:
        return fc2.Client(
            endpoint=self.url, accessKeyID=key.id, accessKeySecret=key.secret, securityToken=key.token, Timeout=30
        )

    def invoke(self, name: str, payload: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.invoke_function("ota-modules", name, payload, named)


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Status and code of the error that aliyun-fc2 raises."""
    with pytest.raises(SdkError) as caught:
        call()
    return caught.value.status_code, caught.value.err_code


def play(config: FunctionConfig, scenario: Callable[[FunctionCompute], Awaitable[Any]]) -> Any:
    """Run a scenario with one function, and end what it started."""

    async def run() -> Any:
        service = FunctionCompute(Accounts(), [config])
        try:
            return await scenario(service)
        finally:
            await service.stop()

    return asyncio.run(run())
