"""The entry points. Parts are wired once per instance, then called.

`handler` takes every event, `http` is the FC 2.0 HTTP trigger, `initialize` runs once per instance.
"""

import os
import random
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from handler import loading, smq, triggers
from handler.attempts import Invocation
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.iot import IotApi
from handler.log import Log
from handler.pacing import Pacer
from handler.pipeline import Pipeline
from handler.settings import Settings
from handler.steps import reached
from handler.threads import Threads

if TYPE_CHECKING:  # imported with the first HTTP request, so that a queue's function does not wait for it
    from handler import web
    from handler.tracing import Tracer

DEFAULT_TIMEOUT = 60.0
"""Seconds, where the platform's context names no timeout."""
LONGEST_DELIVERY = 280.0
"""Seconds: EventBridge gives up a delivery after 300, whatever the function's timeout (EventBridge, "Event streams"). That
includes the start of a new instance, which takes seconds on a tenth of a processor."""
LAST_SENDS = 0.3
"""Seconds before the function's timeout in which nothing is sent, not even outcomes."""


class Instance(NamedTuple):
    """The parts of one instance of the function."""

    pipeline: Pipeline
    to_smq: smq.Transport
    log: Log
    tracer: "Tracer | None" = None

    @classmethod
    def wire(cls, environ: Mapping[str, str], clock: Clock) -> "Instance":
        """Put the parts together. Raises: SettingError."""
        settings = Settings.read(environ)
        log = Log(settings.OTA_LOG_LEVEL)
        for warning in settings.warnings():
            log.warning("config_warning", text=warning)
        connect = partial(
            Connection,
            connect_timeout=settings.OTA_CONNECT_TIMEOUT,
            read_timeout=settings.OTA_READ_TIMEOUT,
            tls=_tls(settings),
        )
        quota = _quota(settings, clock, log)
        api = IotApi(
            settings.OTA_REGION,
            Transport(partial(connect, settings.OTA_IOT_ENDPOINT, settings.iot_host_setting, partial(reached, "sent"))),
            quota,
            clock,
            settings.OTA_READ_TIMEOUT,
        )
        to_smq = Transport(partial(connect, settings.OTA_MNS_ENDPOINT, "OTA_MNS_ENDPOINT"))
        pipeline = Pipeline(api, settings, Threads.for_rate(settings.own_rate, quota.waiting), random.random)
        if settings.OTA_TRACE_URL is None:
            return cls(pipeline, to_smq, log)
        from handler.tracing import Tracer

        collector = Transport(partial(connect, settings.OTA_TRACE_URL, "OTA_TRACE_URL"))
        tracer = Tracer(settings.OTA_TRACE_URL, collector, clock, environ.get("FC_FUNCTION_NAME", "ota-modules"))
        return cls(pipeline._replace(api=api._replace(span=tracer.span)), to_smq, log, tracer)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    urls = (settings.OTA_IOT_ENDPOINT, settings.OTA_MNS_ENDPOINT, settings.OTA_TRACE_URL or "")
    secure = any(url.startswith("https:") for url in urls)
    return ssl.create_default_context() if secure else None


def _quota(settings: Settings, clock: Clock, log: Log) -> Pacer:
    if settings.store is None:
        return Pacer(settings.share, clock)
    from handler.quota import SharedQuota

    return SharedQuota(settings.store, settings.OTA_QUOTA_KEY, settings.rate, settings.share, clock, log)


_instance: Instance | None = None
_wiring = threading.Lock()


def _get_instance() -> Instance:
    global _instance
    with _wiring:  # FC 2.0 may run requests side by side, and two sets of parts would be two quotas
        if _instance is None:
            _instance = Instance.wire(os.environ, Clock())
        return _instance


def initialize(context: object) -> None:  # noqa: ARG001 - the platform's signature
    """Read the settings and load TLS, once per instance. Raises: SettingError: names the setting."""
    _get_instance()


def handler(event: bytes, context: object) -> object:
    """Handle any event: queue, topic, HTTP (FC 3.0) or bare request. Returns a summary, or the HTTP answer.

    Raises: NotFinished: some requests could be neither finished nor put back, so the platform must deliver the event again.
        EnvelopeError: the event is of no known shape.
    """
    reached("receive")
    instance = _get_instance()
    if (answer := _http_answer(instance, event, context)) is not None:
        return answer
    with begin(instance, context, is_delivery=True) as invocation:
        deliveries = triggers.deliveries(event)
        report = instance.pipeline.run(deliveries, invocation)
    if [delivery.source for delivery in deliveries] != ["bare"]:
        return report.summary()
    return {**report.summary(), "outcomes": [{"Id": each.Id, **each.data()} for each in report.outcomes]}


def http(environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Handle an FC 2.0 HTTP request, as a WSGI application."""
    from handler import web

    reached("receive")
    answer = _respond(_get_instance(), environ.get("fc.context"), web.from_environ(environ))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
    return [answer.body]


def _http_answer(instance: Instance, event: bytes, context: object) -> dict[str, object] | None:
    """Answer an event of an FC 3.0 HTTP trigger; None for any other event."""
    if b'"requestContext"' not in event or event[:64].lstrip()[:1] != b"{":
        return None
    from handler import web

    request = web.from_event(event)
    return None if request is None else web.to_event(_respond(instance, context, request))


def _respond(instance: Instance, context: object, request: "web.HttpRequest") -> "web.HttpAnswer":
    from handler import web

    with begin(instance, context, is_delivery=False) as invocation:
        settings = instance.pipeline.settings
        service = web.Service(
            run=partial(instance.pipeline.answer, invocation=invocation),
            enqueue=invocation.outbox.put_back if settings.OTA_REQUEST_QUEUE else None,
            fault=invocation.log.fault,
            prefix=settings.OTA_HTTP_PREFIX or "",
        )
        return web.respond(request._replace(request_id=_request_id(context) or request.request_id), service)


@contextmanager
def begin(instance: Instance, context: object, *, is_delivery: bool) -> Iterator[Invocation]:
    """Begin an invocation, and send its spans at the end.

    The platform's context tells only the timeout, not the time that remains. The timeout is divided into these parts:

    calls of the API -> outcomes -> (deliveries only) putting back to the queue -> nothing, until the function's timeout
    """
    settings, clock = instance.pipeline.settings, instance.pipeline.api.clock
    timeout = min(_timeout(context), LONGEST_DELIVERY) if is_delivery else _timeout(context)
    # A margin as long as the timeout would leave no time for anything.
    margin = settings.OTA_DEADLINE_MARGIN if timeout > settings.OTA_DEADLINE_MARGIN else timeout / 2
    end = clock.now() + timeout
    keys = partial(_credentials, context, os.environ)
    outbox = smq.Outbox(
        instance.to_smq,
        clock,
        instance.pipeline.random,
        settings,
        keys,
        until=end - min(LAST_SENDS, margin / 2),
        log=instance.log.bind(secrets=keys().secrets, request_id=_request_id(context)),
        reserve=margin / 4 if is_delivery else 0.0,
    )
    source = f"/ota-modules/{settings.OTA_REGION}/{_function_name(context)}"
    try:
        yield Invocation(keys, end - margin, outbox, outbox.log, source)
    finally:
        if instance.tracer is not None:
            instance.tracer.flush(outbox.until - clock.now(), outbox.log)


def _request_id(context: object) -> str:
    return str(getattr(context, "request_id", None) or getattr(context, "requestId", None) or "")


def _timeout(context: object) -> float:
    """Return seconds; some runtimes give them as text."""
    try:
        return float(getattr(getattr(context, "function", None), "timeout", None) or DEFAULT_TIMEOUT)
    except ValueError:
        return DEFAULT_TIMEOUT


def _function_name(context: object) -> str:
    name = getattr(getattr(context, "function", None), "name", None) or os.environ.get("FC_FUNCTION_NAME")
    return str(name or "local")


def _credentials(context: object, environ: Mapping[str, str]) -> Credentials:
    """Return the current keys: the context's if it has any (the 3.12 runtime's has none), else the variables'."""
    keys = getattr(context, "credentials", None)
    if getattr(keys, "access_key_id", None):
        return Credentials(keys.access_key_id, keys.access_key_secret, keys.security_token or "")  # type: ignore[union-attr]
    return Credentials(
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
        environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    )


loading.finish()
