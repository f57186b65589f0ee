"""Spans, as a collector that reads OTLP with its own classes sees them."""

import json
import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.http1 import Answer
from handler.log import Log
from handler.tracing import LONGEST_SEND, PAUSE, Tracer
from tests.support.fake_iot import Fault, denied, lost_call, refused_connection
from tests.support.pipeline_world import World, message, wanted, world

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@dataclass
class Collector:
    """Takes what OTLP over HTTP takes, and answers with `status`; with a tracer that sends to it."""

    clock: Clock
    status: int = 200
    exports: list[ExportTraceServiceRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracer = Tracer("https://collector/v1/traces", self, self.clock, "ota-modules-queue")

    def post(self, target: str, _seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer:
        assert (target, headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
        self.exports.append(ExportTraceServiceRequest.FromString(body))
        return Answer(self.status, {}, b"")

    @property
    def spans(self) -> list[Span]:
        scopes = [scope for each in self.exports for resource in each.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]


def trace(around: World, tracer: Tracer, *bodies: object) -> None:
    """Deliver these bodies with tracing on."""
    pipeline = around.pipeline._replace(api=around.pipeline.api._replace(span=tracer.span))
    pipeline.run([message(n, body) for n, body in enumerate(bodies)], around.invocation)


def collect(around: World, *bodies: object, status: int = 200) -> Collector:
    """Deliver these bodies with tracing on, and send their spans."""
    collector = Collector(around.time.clock, status)
    trace(around, collector.tracer, *bodies)
    collector.tracer.flush(60.0, around.invocation.log)
    return collector


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_lies_below_its_senders_span_and_its_wait_and_call_below_it() -> None:
    collector = collect(world(), wanted(Id="r1", traceparent=f"00-{TRACE}-{PARENT}-01"))
    wait, call, request = collector.spans
    assert [each.name for each in (request, wait, call)] == ["request", "quota wait", "CreateOTAModule"]
    assert {each.trace_id.hex() for each in (request, wait, call)} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert {wait.parent_span_id, call.parent_span_id} == {request.span_id}
    assert len({wait.span_id, call.span_id, request.span_id}) == 3
    assert attributes(request) == {"ota.id": "r1", "ota.product": "a1", "ota.module": "mcu", "ota.status": "created"}
    assert attributes(call) == {"http.response.status_code": 200}
    kinds = Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT
    assert (request.kind, wait.kind, call.kind) == kinds
    (resource,) = [each.resource for export in collector.exports for each in export.resource_spans]
    assert {each.key: each.value.string_value for each in resource.attributes}["service.name"] == "ota-modules-queue"


def test_a_span_is_as_long_as_what_it_stands_for() -> None:
    around = world()

    def slow(effect: Callable[[], Any]) -> Any:
        around.time.time += 0.5
        return effect()

    around.iot.faults = deque([slow])
    _, call, request = collect(around, wanted()).spans
    assert call.end_time_unix_nano - call.start_time_unix_nano == 500_000_000
    assert (request.start_time_unix_nano, request.end_time_unix_nano) == (1_000_000 * 10**9, 1_000_000_500_000_000)


@pytest.mark.parametrize("fault", [lost_call, refused_connection])
def test_a_call_that_fails_is_a_span_that_failed(fault: Fault) -> None:
    spans = collect(world(fault), wanted()).spans
    assert [each.name for each in spans if each.status.code] == ["CreateOTAModule"]
    assert spans[-1].name == "request"


def test_a_request_that_is_not_finished_failed() -> None:
    (request,) = [each for each in collect(world(denied), wanted()).spans if each.name == "request"]
    assert (attributes(request)["ota.status"], attributes(request)["error.type"]) == ("unfinished", "misconfigured")
    assert request.status.code == 2


def test_each_request_of_a_batch_stays_in_its_own_trace() -> None:
    """Nothing is sent of one that its sender does not sample."""
    unsampled = wanted("c", traceparent=f"00-{'c' * 32}-{PARENT}-00")
    spans = collect(world(), wanted("a", traceparent=f"00-{TRACE}-{PARENT}-01"), wanted("b"), unsampled).spans
    traces = [each.trace_id.hex() for each in spans]
    assert (traces[:3], traces[3:]) == ([TRACE] * 3, [traces[-1]] * 3)
    assert traces[-1] not in (TRACE, "c" * 32)
    assert spans[-1].parent_span_id == b""


@pytest.mark.parametrize("body", ["no JSON", [1], {"ProductKey": 7, "ModuleName": "\ud800"}, wanted(traceparent="x")])
def test_what_is_no_request_has_a_span_too(body: object) -> None:
    (span,) = collect(world(), json.dumps(body) if isinstance(body, dict) else body).spans
    assert attributes(span)["ota.status"] == "rejected"


@pytest.mark.parametrize("status", [400, 403, 503])
def test_a_refusal_is_logged_once_and_changes_no_outcome(status: int) -> None:
    around = world()
    collector = collect(around, wanted(), status=status)
    assert around.statuses() == ["created"]
    assert [line["text"] for line in around.log("trace_failed")] == [f"the collector answered {status}"]
    for later, asked in ((PAUSE - 1, 1), (2, 2)):
        around.time.time += later
        with collector.tracer.span("request", f"00-{TRACE}-{PARENT}-01"):
            pass
        collector.tracer.flush(60.0, around.invocation.log)
        assert len(collector.exports) == asked


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 60.0])
def test_nobody_waits_for_a_collector_that_does_not_answer(seconds: float) -> None:
    """Longer than a second, or than there is time; and its address, which may hold a token, is not logged."""
    around, lines = world(), list[str]()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token/v1/traces"
        connect = partial(Connection, url, connect_timeout=5.0, read_timeout=5.0, tls=None)
        tracer = Tracer(url, Transport(connect), Clock(), "f")
        trace(around, tracer, wanted())
        began = Clock().now()
        tracer.flush(seconds, Log(write=lines.append))
        assert Clock().now() - began < LONGEST_SEND + 1
    assert around.statuses() == ["created"]
    (line,) = lines
    assert (json.loads(line)["event"], "token" in line) == ("trace_failed", False)
