"""A function behind HTTP whose results are a plain function's, and what its answers say."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from handler import web
from handler.answers import KINDS
from handler.messages import Invalid, ModuleRequest
from handler.outcomes import Outcome, Result
from handler.smq import Message
from handler.triggers import Delivery
from handler.web import HttpAnswer, HttpRequest

REQUEST = {"ProductKey": "a1", "ModuleName": "mcu", "Id": "own-1"}
JSON = {"content-type": "application/json"}
ASYNC = {**JSON, "prefer": "respond-async"}


@dataclass
class Function:
    """What stands behind HTTP: ensures modules by a plain function, and takes down what is queued."""

    ensure: Callable[[ModuleRequest], Result] = lambda request: Outcome.of(request, "created", RequestId="r-1")
    has_queue: bool = True
    queue_takes: int = 1_000
    prefix: str = ""
    ran: list[ModuleRequest | Invalid] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def run(self, delivery: Delivery) -> list[Result]:
        requests = delivery.open().requests()
        self.ran += requests
        return [Outcome.invalid(each) if isinstance(each, Invalid) else self.ensure(each) for each in requests]

    def enqueue(self, messages: Sequence[Message]) -> Sequence[Message]:
        room = self.queue_takes - len(self.queued)
        self.queued += [message.body for message in messages[:room]]
        return messages[room:]

    def respond(self, request: HttpRequest) -> HttpAnswer:
        enqueue = self.enqueue if self.has_queue else None
        return web.respond(request, web.Service(self.run, enqueue, self.faults.append, self.prefix))

    def post(self, body: object, headers: Mapping[str, str] = JSON, path: str = "/modules") -> HttpAnswer:
        """Send the body as JSON, unless it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.respond(HttpRequest("POST", path, headers, body=raw, request_id="req-1"))


def content(answer: HttpAnswer) -> dict[str, Any]:
    """Return the body, which every answer of /modules has in JSON, checked against the published schema."""
    body: dict[str, Any] = json.loads(answer.body)
    document = json.loads(web.OPENAPI.read_bytes())
    responses = document["paths"]["/modules"]["post"]["responses"]
    schema = responses[str(answer.status)]["content"][answer.headers["Content-Type"]]["schema"]
    jsonschema.validate(body, {**schema, "components": document["components"]})
    return body


def kind(answer: HttpAnswer) -> str:
    """Return the kind of problem that it is."""
    body = content(answer)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (body["status"], body["title"]) == (answer.status, KINDS[body["type"].rpartition(":")[2]].title)
    return str(body["type"].removeprefix("urn:ota-modules:problem:"))
