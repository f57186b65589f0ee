"""Sends a span for each request, each wait for the quota and each call of the API; imported only where OTA_TRACE_URL is set.

Spans are encoded as they end, and leave together at the end of their invocation. The quota bounds their number: two a call.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from handler import otlp
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.errors import OtaModulesError
from handler.iot import WAIT, Attributes
from handler.lanes import Handler
from handler.log import Log
from handler.messages import Invalid, ModuleRequest
from handler.outcomes import Result, Unfinished
from handler.pipeline import Pipeline
from handler.version import VERSION

LONGEST_SEND = 1.0
"""Seconds by which spans may delay the end of an invocation."""
PAUSE = 30.0
"""Seconds after a failure in which none are sent: a collector that is down costs one invocation time, not each."""
INTERNAL, CLIENT, CONSUMER = 1, 3, 5
NOWHERE = "00---00"


class Tracer:
    """Collects the spans of all threads of an instance; `service` is the function's name."""

    def __init__(self, url: str, connect: Callable[[str], Connection], clock: Clock, service: str) -> None:
        self._target = urlsplit(url).path or "/"
        self._collector = Transport(lambda: connect(url), "OTA_TRACE_URL")
        self._clock = clock
        self._resource = {"service.name": service, "service.version": VERSION}
        self._spans: list[bytes] = []
        self._local = threading.local()
        self._resume = float("-inf")

    def trace(self, pipeline: Pipeline) -> Pipeline:
        """Return the same pipeline, with spans."""

        def span(name: str) -> AbstractContextManager[Attributes]:
            return self.span(name, INTERNAL if name == WAIT else CLIENT)

        return pipeline._replace(
            api=pipeline.api._replace(span=span), watch=lambda handler: TracedHandler(self, handler)
        )

    @contextmanager
    def span(self, name: str, kind: int, above: str | None = None) -> Iterator[Attributes]:
        """Begin a span whose attributes are to be filled in, below `above` (a traceparent) or this thread's span.

        Where `above` is not sampled there is none, nor are there any in it. One with an `error.type` has failed.
        """
        outer: str = getattr(self._local, "above", NOWHERE)
        _, trace, upper, flags = (above or outer).split("-")
        own, wall, began = secrets.token_hex(8), self._clock.wall(), self._clock.now()
        attributes: Attributes = {}
        self._local.above = f"00-{trace}-{own}-{flags}"
        try:
            yield attributes
        except OtaModulesError as error:
            attributes["error.type"] = type(error).__name__
            raise
        finally:
            self._local.above = outer
            if int(flags, 16) & 1:
                times = (wall, wall + self._clock.now() - began)
                self._spans.append(otlp.encode_span((trace, own, upper), name, kind, times, attributes))

    def flush(self, seconds: float, log: Log) -> None:
        """Send the spans within so many seconds. What cannot be sent is dropped, and the log says so."""
        spans, self._spans = self._spans, []
        if not spans or self._clock.now() < self._resume:
            return
        body = otlp.encode_export(spans, self._resource, "ota-modules")
        headers = {"Content-Type": "application/x-protobuf"}
        try:
            answer = self._collector.post(self._target, min(seconds, LONGEST_SEND), body, headers)
            problem = None if answer.status < 300 else f"the collector answered {answer.status}"
        except OtaModulesError as error:
            problem = str(error)
        if problem is not None:
            self._resume = self._clock.now() + PAUSE
            log.warning("trace_failed", text=problem)


class TracedHandler(NamedTuple):
    """A span for each request."""

    tracer: Tracer
    handler: Handler

    def handle(self, request: ModuleRequest | Invalid) -> Result:
        above = request.traceparent or f"00-{secrets.token_hex(16)}--01"
        with self.tracer.span("request", CONSUMER, above) as attributes:
            result = self.handler.handle(request)
            attributes |= {"ota.id": request.Id, "ota.product": request.ProductKey, "ota.module": request.ModuleName}
            status, error = (
                ("unfinished", result.reason) if isinstance(result, Unfinished) else (result.Status, result.Code)
            )
            attributes["ota.status"] = status
            if status in ("unfinished", "failed"):
                attributes["error.type"] = error
        return result

    def leave(self, request: ModuleRequest | Invalid, ahead: Unfinished) -> Unfinished:
        return self.handler.leave(request, ahead)
