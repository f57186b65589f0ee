"""What template.yml deploys, as values of the local cloud: functions, streams, queues, topics, roles."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from emulator import template
from emulator.fc import FcError, FunctionCompute
from emulator.instances import FunctionConfig
from emulator.stream_events import StreamConfig
from emulator.template import Function, Template

SERVICE = "ota-modules"
"""The FC 2.0 service of the WSGI form."""


def read(path: Path, mns_endpoint: str) -> Template:
    """The template, with the local cloud's SMQ in place of the account's. Raises: TemplateError."""
    return template.load(path, outputs={"MnsEndpoint": mns_endpoint})


def functions(
    deployed: Template, iot_endpoint: str, code: Path | None, python: str = sys.executable
) -> list[FunctionConfig]:
    """The functions, calling the local IoT API; and the HTTP function once more in the FC 2.0 form.

    `code` is the folder to run instead of the one that the template names: the sources, while developing.
    """
    found = [_function(one, iot_endpoint, code, python) for one in deployed.functions]
    return found + [_wsgi(one) for one in found if one.http_auth is not None]


def _function(one: Function, iot_endpoint: str, code: Path | None, python: str) -> FunctionConfig:
    variables: Mapping[str, str] = {**one.variables, "OTA_IOT_ENDPOINT": iot_endpoint}
    return FunctionConfig(
        name=one.name,
        handler=one.handler,
        code=code or one.code,
        role=one.role,
        initializer=one.initializer,
        initializer_timeout=one.initializer_timeout,
        runtime=one.runtime,
        python=python,
        environment=variables,
        timeout=one.timeout,
        memory=one.memory,
        instances=one.instances or 100,
        # Whoever reaches the loopback address is the account's owner: curl needs no signature here.
        http_auth="anonymous" if one.http else None,
        methods=one.http.methods if one.http else (),
    )


def _wsgi(one: FunctionConfig) -> FunctionConfig:
    module = one.handler.rpartition(".")[0]
    return replace(one, name=f"{one.name}-wsgi", service=SERVICE, handler=f"{module}.http", wsgi=True)


def streams(deployed: Template, account: str) -> list[StreamConfig]:
    """The event streams of all queue triggers."""
    return [
        StreamConfig(trigger, one.name, deployed.region, account)
        for one in deployed.functions
        for trigger in one.queues
        if trigger.enabled
    ]


@dataclass(frozen=True)
class Called:
    """What a stream needs to know of a call."""

    status: int
    error_type: str | None = None


async def called(fc: FunctionCompute, function: str, event: bytes) -> Called:
    """Call a function as a stream does: what the service refuses is a result too."""
    try:
        result = await fc.invoke(function, event)
    except FcError as error:
        return Called(error.status)
    return Called(result.status, result.error_type)
