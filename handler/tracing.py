"""Sends a span for each request, each wait for the quota and each call of the API; imported only if OTA_TRACE_URL is set.

Spans are encoded as they end, and leave together at the end of their invocation. The quota bounds their number: two a call.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from handler import otlp
from handler.clock import Clock
from handler.errors import OtaModulesError
from handler.iot import REQUEST, WAIT, Attributes
from handler.log import Log
from handler.smq import Transport
from handler.version import VERSION

LONGEST_SEND = 1.0
"""Seconds by which spans may delay the end of an invocation."""
PAUSE = 30.0
"""Seconds after a failure in which no spans are sent: a collector that is down must not delay every invocation."""
CLIENT = 3
KINDS = {WAIT: 1, REQUEST: 5}
"""SPAN_KIND_INTERNAL and SPAN_KIND_CONSUMER; all others are calls."""
NOWHERE = "00---00"


class Tracer:
    """Collects the spans of all threads of an instance; `service` is the function's name."""

    def __init__(self, url: str, collector: Transport, clock: Clock, service: str) -> None:
        self._target = urlsplit(url).path or "/"
        self._collector = collector
        self._clock = clock
        self._resource = {"service.name": service, "service.version": VERSION}
        self._spans: list[bytes] = []
        self._local = threading.local()
        self._resume = float("-inf")

    @contextmanager
    def span(self, name: str, above: str | None) -> Iterator[Attributes]:
        """Begin a span; see `handler.iot`.

        Under an `above` that is not sampled, no span is recorded. One with an `error.type` has failed.
        """
        outer: str = getattr(self._local, "above", NOWHERE)
        if above == "":
            above = f"00-{secrets.token_hex(16)}--01"
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
                kind, times = KINDS.get(name, CLIENT), (wall, wall + self._clock.now() - began)
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
