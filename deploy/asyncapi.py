"""The queues and the topic as an AsyncAPI 3.0 document, from the function's side."""

import json
from typing import Any

from deploy.openapi import VERSION
from deploy.schemas import Schema, schemas
from handler.messages import ModuleRequest
from handler.outcomes import Outcome

_BODIES = "Bodies are UTF-8 JSON in base64, as the SMQ SDKs send and receive them: at most 64 KiB, base64 included."
_SOURCE = "/ota-modules/cn-shanghai/ota-modules-queue"
_MOMENT = 1_767_225_600
_REQUEST = ModuleRequest(
    ProductKey="a1Le6d0abcd",
    ModuleName="barcodeScanner",
    AliasName="Barcode_scanner",
    Desc="The firmware module of the barcode scanner.",
    Id="order-4711/1",
    CorrelationId="order-4711",
)


def asyncapi(requests: str, results: str, dead_letters: str) -> Schema:
    """Build the document, for a queue, a topic and a dead-letter queue of these names."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "OTA modules",
            "version": VERSION,
            "description": "Creates OTA modules on Alibaba Cloud IoT Platform, each exactly once.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"smq": _server()},
        "channels": {
            "requests": _channel(requests, f"The request queue. {_BODIES}", "request", "requests"),
            "results": _channel(
                results,
                "The result topic. The tag is the outcome's Status: a subscription with that FilterTag receives no other. "
                f"{_BODIES}",
                "outcome",
            ),
            "deadLetters": _channel(
                dead_letters,
                f"The dead-letter queue; `ota-modules dead-letters` lists and replays its messages. {_BODIES}",
                "deadLetter",
                "undelivered",
            ),
        },
        "operations": {
            "takeRequests": _operation("receive", "requests", "Take requests, at least once each"),
            "putBack": _operation("send", "requests", "Put back what is not finished, with a delay", "request"),
            "publishOutcomes": _operation("send", "results", "Publish an outcome for every request, at least once"),
            "giveUp": _operation("send", "deadLetters", "Keep a request that was given up", "deadLetter"),
        },
        "components": {
            "messages": _messages(),
            "schemas": dict(schemas()),
            "securitySchemes": {
                "accessKey": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`MNS <access key id>:<signature>`, made by SMQ's SDKs.",
                },
            },
        },
    }


def _server() -> Schema:
    return {
        "host": "{account}.mns.{region}.aliyuncs.com",
        "protocol": "https",
        "description": "Simple Message Queue (formerly MNS), through its HTTP API.",
        "variables": {
            "account": {"description": "The account's id.", "examples": ["1234567890123456"]},
            "region": {"default": "cn-shanghai"},
        },
        "security": [{"$ref": "#/components/securitySchemes/accessKey"}],
    }


def _channel(address: str, description: str, *messages: str) -> Schema:
    return {
        "address": address,
        "description": description,
        "servers": [{"$ref": "#/servers/smq"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str, summary: str, *messages: str) -> Schema:
    """Describe what the function does on a channel; with all of its messages, unless some are named."""
    refs = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        **({"messages": refs} if refs else {}),
    }


def _messages() -> Schema:
    request = json.loads(_REQUEST.model_dump_json(exclude_defaults=True))
    minimal = {"ProductKey": _REQUEST.ProductKey, "ModuleName": "mcu"}
    given_up = Outcome.of(
        _REQUEST.model_copy(update={"Attempt": 5}), "failed", Code="quota", ErrorMessage="throttled until the deadline"
    )
    letter = {
        "Reason": "quota",
        "Detail": given_up.ErrorMessage,
        "Request": {**request, "Attempt": given_up.Attempts, "Tried": False, "Theirs": False},
        "Outcome": _event(given_up),
    }
    created = Outcome.of(_REQUEST, "created", RequestId="E4C0FF92-2A86-41DB-92D3-73B60310D25E")
    return {
        "request": _message("One request", "ModuleRequest", "CorrelationId", one=request, smallest=minimal),
        "requests": _message("Several requests", "ModuleRequests", "", two=[request, minimal]),
        "outcome": _message(
            "An outcome, tagged with its Status", "Outcome", "correlationid",
            created=_event(created), failed=_event(given_up),
        ),
        "deadLetter": _message("A request that was given up", "DeadLetter", "Request/CorrelationId", throttled=letter),
        "undelivered": {
            "title": "An event or message that was never processed",
            "description": "The event that EventBridge, or the message that SMQ gave up, unchanged.",
            "payload": {"type": ["object", "array", "string"]},
        },
    }  # fmt: skip


def _event(outcome: Outcome) -> Any:  # noqa: ANN401 - a JSON value
    return json.loads(outcome.event(_SOURCE, _MOMENT))


def _message(title: str, schema: str, correlation: str, **examples: object) -> Schema:
    """`correlation`: where in the payload its correlation id stands, if it has one."""
    return {
        "title": title,
        "contentType": "application/json",
        **({"correlationId": {"location": f"$message.payload#/{correlation}"}} if correlation else {}),
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "examples": [{"name": name, "payload": payload} for name, payload in examples.items()],
    }
