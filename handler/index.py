"""The entry points. Parts are wired once per instance, then called.

`handler` takes every event, `http` is the FC 2.0 HTTP trigger, `initialize` runs once per instance.
"""

import json
import os
import random
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from handler import loading, triggers
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.faults import log_fault
from handler.invocation import Invocation, Limits
from handler.iot import IotApi
from handler.log import Log
from handler.outcomes import Outcome
from handler.pacing import Pacer, Quota
from handler.pipeline import Pipeline
from handler.settings import Settings
from handler.smq import MessageService, Outbox
from handler.steps import reached
from handler.threads import Threads
from handler.triggers import Delivery

if TYPE_CHECKING:  # imported when the first HTTP request comes, so that the function of a queue does not wait for it
    from handler import web
    from handler.tracing import Tracer

DEFAULT_TIMEOUT = 60.0
"""Seconds, where the platform's context names no timeout."""
LONGEST_DELIVERY = 280.0
"""Seconds: EventBridge gives a delivery up after 300, whatever the function's timeout (EventBridge, "Event streams"), and has
waited already while a new instance started, which takes seconds on a tenth of a processor."""
LAST_SENDS = 0.3
"""Seconds before the function's timeout after which nothing is sent any more, outcomes included."""


class Budget(NamedTuple):
    """How an invocation's time is shared out, in clock seconds: each part ends where the next begins.

    calls of the API -> outcomes -> what goes back to the queue -> nothing, until the function's timeout
    """

    calls: float
    outcomes: float
    sends: float

    @classmethod
    def begin(cls, now: float, timeout: float, margin: float, *, puts_back: bool) -> "Budget":
        # A margin as long as the timeout would leave no time for anything.
        margin = margin if timeout > margin else timeout / 2
        sends = now + timeout - min(LAST_SENDS, margin / 2)
        return cls(now + timeout - margin, sends - margin / 4 if puts_back else sends, sends)


class Instance(NamedTuple):
    """The parts of one instance of the function."""

    settings: Settings
    pipeline: Pipeline
    messages: MessageService
    log: Log
    clock: Clock
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
        api = IotApi(
            settings.OTA_REGION,
            Transport(partial(connect, settings.OTA_IOT_ENDPOINT), settings.iot_host_setting, partial(reached, "sent")),
            _quota(settings, clock, log),
            clock,
            settings.OTA_READ_TIMEOUT,
        )
        smq = Transport(partial(connect, settings.OTA_MNS_ENDPOINT), "OTA_MNS_ENDPOINT")
        messages = MessageService(smq, clock, random.random)
        pool = Threads.for_rate(_rate(settings))
        instance = cls(settings, Pipeline(api, _limits(settings), pool, clock, random.random), messages, log, clock)
        if settings.OTA_TRACE_URL is None:
            return instance
        from handler.tracing import Tracer

        tracer = Tracer(settings.OTA_TRACE_URL, connect, clock, environ.get("FC_FUNCTION_NAME", "ota-modules"))
        return instance._replace(pipeline=tracer.trace(instance.pipeline), tracer=tracer)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    urls = (settings.OTA_IOT_ENDPOINT, settings.OTA_MNS_ENDPOINT, settings.OTA_TRACE_URL or "")
    secure = any(url.startswith("https:") for url in urls)
    return ssl.create_default_context() if secure else None


def _quota(settings: Settings, clock: Clock, log: Log) -> Quota:
    share = Pacer(settings.share, clock)
    if settings.store is None:
        return share
    from handler.quota import SharedQuota

    return SharedQuota(settings.store, settings.OTA_QUOTA_KEY, settings.rate, share, clock, log)


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.OTA_MAX_ATTEMPTS,
        settings.OTA_ON_EXISTING,
        settings.OTA_IOT_INSTANCE_ID,
        settings.OTA_REQUEST_QUEUE is not None,
        settings.OTA_MAX_AGE,
        _rate(settings),
        settings.OTA_DEAD_LETTER_QUEUE is not None,
    )


def _rate(settings: Settings) -> float:
    """Calls a second of one operation: with a store, one busy instance may use all of the quota."""
    return settings.rate if settings.store else settings.share


_instance: Instance | None = None
_wiring = threading.Lock()


def _ready() -> Instance:
    global _instance
    with _wiring:  # FC 2.0 may run requests side by side, and two sets of parts would be two quotas
        if _instance is None:
            _instance = Instance.wire(os.environ, Clock())
        return _instance


def forget() -> None:
    """Forget the parts, so that the next call wires new ones: for tests."""
    global _instance
    _instance = None


def initialize(context: object) -> None:  # noqa: ARG001 - the platform's signature
    """Read the settings and load TLS, once per instance. Raises: SettingError: names the setting."""
    _ready()


def handler(event: bytes, context: object) -> object:
    """Every event: queues, topics, HTTP (FC 3.0), and a bare request. Returns a summary, or the HTTP answer.

    Raises: NotFinished: some requests could be neither finished nor put back, so the platform must deliver the event again.
        EnvelopeError: the event is of no known shape.
    """
    reached("receive")
    instance = _ready()
    if (answer := _http_answer(instance, event, context)) is not None:
        return answer
    call = Call.begin(instance, context, ceiling=LONGEST_DELIVERY)
    deliveries = triggers.deliveries(event)
    with call:
        report = instance.pipeline.run(deliveries, call.invocation)
    bare = [delivery.source for delivery in deliveries] == ["bare"]
    return {**report.summary(), **({"outcomes": [_shown(each) for each in report.outcomes]} if bare else {})}


def http(environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """The FC 2.0 HTTP trigger: a WSGI application."""
    from handler import web

    reached("receive")
    call = Call.begin(_ready(), environ.get("fc.context"), ceiling=None)
    answer = call.respond(web.from_environ(environ))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
    return [answer.body]


def _http_answer(instance: Instance, event: bytes, context: object) -> dict[str, object] | None:
    """The answer to an FC 3.0 HTTP trigger's event; None for any other event."""
    if b'"requestContext"' not in event or event[:64].lstrip()[:1] != b"{":
        return None
    from handler import web

    if len(event) > web.LARGEST_EVENT:  # parsing it would take more memory than the smallest instance has
        return web.to_event(web.TOO_LARGE)
    try:
        request = web.from_event(json.loads(event))
    except (ValueError, RecursionError):
        return None
    if request is None:
        return None
    return web.to_event(Call.begin(instance, context, ceiling=None).respond(request))


def _shown(outcome: Outcome) -> dict[str, object]:
    return {"Id": outcome.Id, **outcome.data()}


class Call(NamedTuple):
    """One invocation of an instance."""

    instance: Instance
    invocation: Invocation
    outbox: Outbox
    request_id: str

    @classmethod
    def begin(cls, instance: Instance, context: object, *, ceiling: float | None) -> "Call":
        """Start the clock: the platform's context tells no remaining time, only the timeout."""
        settings = instance.settings
        timeout = min(_timeout(context), ceiling or float("inf"))
        budget = Budget.begin(
            instance.clock.now(), timeout, settings.OTA_DEADLINE_MARGIN, puts_back=ceiling is not None
        )
        keys = partial(_credentials, context, os.environ)
        request_id = str(getattr(context, "request_id", None) or getattr(context, "requestId", None) or "")
        log = instance.log.bind(secrets=keys().secrets, request_id=request_id)
        outbox = Outbox(
            instance.messages,
            settings.OTA_RESULT_TOPIC,
            settings.OTA_REQUEST_QUEUE,
            settings.OTA_DEAD_LETTER_QUEUE,
            keys,
            budget.sends,
            log,
            reserve=budget.sends - budget.outcomes,
        )
        source = f"/ota-modules/{settings.OTA_REGION}/{_function_name(context)}"
        return cls(instance, Invocation(keys, budget.calls, outbox, log, source), outbox, request_id)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self.instance.tracer is not None:
            self.instance.tracer.flush(self.outbox.until - self.instance.clock.now(), self.invocation.log)

    def respond(self, request: "web.HttpRequest") -> "web.HttpAnswer":
        """The answer to an HTTP request."""
        from handler import web

        service = web.Service(
            run=lambda body, default_id, trace: self.instance.pipeline.answer(
                Delivery(default_id, body, "http", trace, is_named=False), self.invocation
            ),
            enqueue=self.outbox.enqueue if self.outbox.request_queue else None,
            fault=partial(log_fault, self.invocation.log),
            prefix=self.instance.settings.OTA_HTTP_PREFIX or "",
        )
        with self:
            return web.respond(request._replace(request_id=self.request_id or request.request_id), service)


def _timeout(context: object) -> float:
    """Seconds; some runtimes give them as text."""
    try:
        return float(getattr(getattr(context, "function", None), "timeout", None) or DEFAULT_TIMEOUT)
    except ValueError:
        return DEFAULT_TIMEOUT


def _function_name(context: object) -> str:
    name = getattr(getattr(context, "function", None), "name", None) or os.environ.get("FC_FUNCTION_NAME")
    return str(name or "local")


def _credentials(context: object, environ: Mapping[str, str]) -> Credentials:
    """The keys of this moment: the context's where it has any (the 3.12 runtime's has none), else the variables'."""
    given = getattr(context, "credentials", None)
    if getattr(given, "access_key_id", None):
        return Credentials(given.access_key_id, given.access_key_secret, given.security_token or "")  # type: ignore[union-attr]
    return Credentials(
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
        environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    )


loading.done()
