"""The entry points. Parts are wired once per instance, then called.

`handler` takes every event, `http` is the FC 2.0 HTTP trigger, `initialize` runs once per instance.
"""

import os
import random
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from handler import triggers, web
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.errors import OtaModulesError
from handler.iot import Credentials, IotApi
from handler.log import Log
from handler.pacing import Pacer, Quota
from handler.pipeline import Invocation, Limits, Pipeline, Report
from handler.settings import Settings
from handler.smq import MessageService, Outbox
from handler.threads import Threads

DEFAULT_TIMEOUT = 60.0
"""Seconds, where the platform's context names no timeout."""
LAST_SENDS = 0.3
"""Seconds before the function's timeout after which nothing is sent any more, outcomes included."""


@dataclass(frozen=True)
class Instance:
    """The parts of one instance of the function."""

    settings: Settings
    pipeline: Pipeline
    messages: MessageService
    log: Log
    clock: Clock

    @classmethod
    def wire(cls, environ: Mapping[str, str], clock: Clock) -> "Instance":
        """Put the parts together. Raises: SettingError."""
        settings = Settings.read(environ)
        log = Log(settings.OTA_LOG_LEVEL)
        for warning in settings.warnings():
            log.warning("setting", text=warning)
        connect = partial(
            Connection,
            connect_timeout=settings.OTA_CONNECT_TIMEOUT,
            read_timeout=settings.OTA_READ_TIMEOUT,
            tls=_tls(settings),
        )
        api = IotApi(
            settings.OTA_REGION,
            Transport(partial(connect, settings.OTA_IOT_ENDPOINT)),
            _quota(settings, clock, log),
            clock,
            settings.OTA_READ_TIMEOUT,
        )
        messages = MessageService(
            settings.OTA_MNS_ENDPOINT, partial(connect, settings.OTA_MNS_ENDPOINT), clock, random.random
        )
        pool = Threads.for_rate(settings.share)
        return cls(settings, Pipeline(api, _limits(settings), pool, clock, random.random), messages, log, clock)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    secure = any(url.startswith("https:") for url in (settings.OTA_IOT_ENDPOINT, settings.OTA_MNS_ENDPOINT))
    return ssl.create_default_context() if secure else None


def _quota(settings: Settings, clock: Clock, log: Log) -> Quota:
    share = Pacer(settings.share, clock)
    if settings.OTA_QUOTA_URL is None:
        return share
    from handler.quota import SharedQuota  # noqa: PLC0415 - imports redis, which costs cold start

    return SharedQuota(settings.OTA_QUOTA_URL, settings.OTA_QUOTA_KEY, settings.OTA_QPS, share, clock, log)


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.OTA_MAX_ATTEMPTS,
        settings.OTA_ON_EXISTING,
        settings.OTA_IOT_INSTANCE_ID,
        settings.OTA_REQUEST_QUEUE is not None,
    )


_instance: Instance | None = None


def _ready() -> Instance:
    global _instance  # noqa: PLW0603 - the platform gives an instance no other place to keep its parts
    if _instance is None:
        _instance = Instance.wire(os.environ, Clock())
    return _instance


def initialize(context: object) -> None:  # noqa: ARG001 - the platform's signature
    """Read the settings and load TLS, once per instance. Raises: SettingError: names the setting."""
    _ready()
