"""Describes the function's log lines as a JSON Schema: what searches, alerts and dashboards may rely upon."""

from collections.abc import Mapping
from typing import NamedTuple

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}


def _text(description: str) -> Schema:
    return {**TEXT, "description": description}


HEAD: Mapping[str, Schema] = {
    "time": {
        **_text("UTC, to the millisecond"),
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    },
    "level": {"enum": ["DEBUG", "INFO", "WARNING", "ERROR"]},
    "event": _text("what happened"),
    "version": _text("of the function, with a digest of its sources where it was packaged"),
}
REQUEST_ID: Schema = _text("the invocation's id, as the platform shows it")
COST: Mapping[str, Schema] = {
    "calls": {**COUNT, "description": "calls of the API"},
    "throttles": {**COUNT, "description": "throttled answers"},
    "quota_wait_s": {**SECONDS, "description": "seconds waited for the quota"},
}
STATUSES = ("created", "existing", "updated", "rejected", "failed")


class Event(NamedTuple):
    """An event of the log: its levels, its meaning, the fields that each line has, and those that some have."""

    levels: tuple[str, ...]
    meaning: str
    always: Mapping[str, Schema]
    sometimes: Mapping[str, Schema] = {}

    def schema(self, name: str) -> Schema:
        return {
            "title": name,
            "description": self.meaning,
            "properties": {
                "event": {"const": name},
                "level": {"enum": list(self.levels)},
                **self.always,
                **self.sometimes,
            },
            "required": list(self.always),
        }


EVENTS: Mapping[str, Event] = {
    "request": Event(
        ("INFO", "WARNING", "ERROR"),
        "One request in one delivery. ERROR: failed, or the deployment's fault; WARNING: not finished, and put back.",
        {
            "id": _text("the request's Id"),
            "status": {"enum": [*STATUSES, "unfinished"]},
            "attempt": {
                **COUNT,
                "description": "attempts, this one included; deliveries that cost no attempt are not counted",
            },
            **COST,
        },
        {
            "product": _text("ProductKey"),
            "module": _text("ModuleName"),
            "reason": _text("why it is not finished or was rejected, or the API's code"),
            "detail": _text("what the API or the network said"),
            "correlation": _text("CorrelationId"),
            "trace": _text("traceparent: its second part is the trace's id"),
        },
    ),
    "summary": Event(
        ("INFO",),
        "One invocation.",
        {
            **dict.fromkeys(STATUSES, COUNT),
            "put_back": {**COUNT, "description": "requests that come again"},
            "lost": {**COUNT, "description": "requests that the queue did not accept: the batch comes again"},
            **COST,
            "duration_s": SECONDS,
            "batch": {
                "type": "object",
                "properties": {"messages": COUNT, "requests": COUNT},
                "required": ["messages", "requests"],
                "additionalProperties": False,
            },
        },
        {"oldest_s": {**SECONDS, "description": "age of the oldest request, if known"}},
    ),
    "ignored": Event(("INFO",), "A message that holds no request.", {"id": TEXT, "reason": TEXT}),
    "misconfigured": Event(
        ("ERROR",),
        "What is wrong with the deployment, once for each operation and instance of an invocation.",
        {"operation": _text("of the API"), "code": TEXT, "text": TEXT},
        {"instance": _text("IotInstanceId"), "setting": _text("the setting to look at")},
    ),
    "internal_error": Event(
        ("ERROR",),
        "An internal error.",
        {"error": _text("its class"), "text": TEXT},
        {"at": _text("file and line"), "id": _text("the request's Id")},
    ),
    "config_warning": Event(("WARNING",), "A setting that is allowed but dangerous.", {"text": TEXT}),
    "publish_failed": Event(
        ("WARNING",),
        "A message that topic or queue did not accept.",
        {"sink": _text("the name of the topic or queue"), "text": TEXT},
    ),
    "trace_failed": Event(("WARNING",), "Spans that the collector did not take: they are dropped.", {"text": TEXT}),
    "quota": Event(
        ("INFO", "WARNING", "ERROR"),
        "The store of the shared quota is back, or down, or refuses commands.",
        {"text": TEXT, "store": _text("its host and port")},
        {"error": _text("the kind of fault, or the server's own sentence"), "command": _text("that was refused")},
    ),
}


def log_schema() -> Schema:
    """The schema of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A log line of ota-modules",
        "description": "One JSON object a line on standard output. Numbers that end in _s are seconds.",
        "type": "object",
        "properties": {**HEAD, "request_id": REQUEST_ID},
        "required": list(HEAD),
        "oneOf": [event.schema(name) for name, event in EVENTS.items()],
        "unevaluatedProperties": False,
    }
