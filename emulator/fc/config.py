"""The configuration of a deployed function, and the environment variables of its instances."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator.ram.keys import ACCOUNT_ID, Key

LARGEST_VARIABLES = 4 * 1024
"""Bytes of all variables of a function together (Function Compute, "Environment variables")."""
_VARIABLE = re.compile(r"(?!FC_)[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class FunctionConfig:
    """A deployed function. `timeout` is in seconds, `memory` in MB; `instances` is the largest number of them.

    `runtime` decides the form of the context, `python` the interpreter: they need not be the same version.
    Raises: ValueError: a variable that the platform would refuse.
    """

    name: str
    handler: str
    code: Path
    role: str | None = None
    service: str = ""
    initializer: str | None = None
    initializer_timeout: float = 30.0
    runtime: str = "python3.10"
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    memory: int = 128
    instances: int = 10
    http: bool = False
    """Has an HTTP trigger; whoever reaches the loopback address may call it: curl needs no signature here."""
    methods: Sequence[str] = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
    wsgi: bool = False
    """The FC 2.0 form of an HTTP function."""

    def __post_init__(self) -> None:
        for name in self.environment:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{self.name}: no variable of a function may be named {name!r}")
        size = sum(len(name) + len(value.encode()) for name, value in self.environment.items())
        if size > LARGEST_VARIABLES:
            raise ValueError(f"{self.name}: the variables have {size} bytes, and may have {LARGEST_VARIABLES}")


def build_environment(config: FunctionConfig, key: Key, instance: str, region: str) -> dict[str, str]:
    """Return the variables of an instance: the user's, the platform's, and temporary keys."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
    platform = {
        "FC_FUNC_CODE_PATH": str(config.code),
        "FC_ACCOUNT_ID": ACCOUNT_ID,
        "FC_FUNCTION_HANDLER": config.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(config.memory),
        "FC_FUNCTION_NAME": config.name,
        "FC_REGION": region,
        "FC_INSTANCE_ID": instance,
        # The variable's name depends on the runtime's Debian: 10 or 11.
        "FC_FUNCTION_VERSION" if config.runtime == "python3.12" else "FC_VER_ID": "LATEST",
        "FC_TIMEOUT": str(config.timeout),
        "FC_RUNTIME_API": "127.0.0.1:9000",
        "OTA_EMULATOR_CONTEXT": "3.12" if config.runtime == "python3.12" else "3.10",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": key.token,
    }
    if config.service:
        platform |= {"FC_SERVICE_NAME": config.service, "FC_QUALIFIER": "LATEST"}
        keys |= {"accessKeyID": key.id, "accessKeySecret": key.secret, "securityToken": key.token}
    return {**inherited, **config.environment, **platform, **keys}
