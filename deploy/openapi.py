"""The HTTP contract as an OpenAPI 3.1 document, generated from the models that requests and outcomes are made of."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from handler.answers import JSON, KINDS, PROBLEM_JSON, Kind
from handler.envelopes import MOST_REQUESTS
from handler.messages import ModuleRequest
from handler.outcomes import Outcome

Schema = dict[str, Any]
VERSION = "1.0.0"
"""The contract's, not the package's: it changes when the contract does."""

_SAMPLE = {
    "ProductKey": "a1Le6d0****",
    "ModuleName": "barcodeScanner",
    "AliasName": "Barcode_scanner",
    "Desc": "The firmware module of the barcode scanner.",
}


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


_PREFER = _header(
    "Prefer",
    "`respond-async`: queue the request and answer 202. Ignored if the function has no request queue.",
)
_TRACE = _header(
    "traceparent",
    "W3C trace context for requests that have none; a malformed one is ignored.",
)
_EVENT_ID = _header(
    "ce-id",
    "The Id for requests that have none, if the body is the data of a CloudEvent in binary mode.",
)
_EVENT = "application/cloudevents+json"
_EVENTS = "application/cloudevents-batch+json"
_RETRY_AFTER = {
    "description": "Seconds to wait before sending the request again.",
    "schema": {"type": "integer", "minimum": 1},
}
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "For a trigger with `authType: function`, ACS3-HMAC-SHA256 over method, path, query and the x-acs-* headers: "
    "`ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`. A trigger with `authType: anonymous` needs none.",
}
_BY_THE_PLATFORM = {
    "403": {
        "description": "Function Compute refused the call: signature missing or wrong, or no permission `fc:InvokeFunction`."
    },
    "429": {"description": "Function Compute has no free instance: send the request again."},
}
_PREFERENCE_APPLIED = {"description": "The preference that was applied.", "schema": {"const": "respond-async"}}


@cache
def document() -> Mapping[str, Any]:
    """Build the OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OTA modules",
            "version": VERSION,
            "summary": "Creates OTA modules on Alibaba Cloud IoT Platform, each exactly once.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/modules": {"post": _create_modules()},
            "/healthz": {"get": _get("healthz", "The function runs", {"$ref": "#/components/schemas/Health"})},
            "/openapi.json": {"get": _get("openapi", "This document", {"type": "object"})},
        },
        "components": {"schemas": _schemas(), "securitySchemes": {"signature": _SIGNATURE}},
        "security": [{"signature": []}, {}],
    }


def _create_modules() -> Schema:
    request = _ref("ModuleRequest")
    several = {"type": "array", "items": request, "minItems": 1, "maxItems": MOST_REQUESTS}
    return {
        "operationId": "createModules",
        "summary": "Create modules that do not exist yet",
        "description": "Safe to repeat: no module is created twice. If `OTA_HTTP_PREFIX` is set, each path may begin with it."
        " To have it queued, use `Prefer: respond-async`, not `X-Fc-Invocation-Type: Async`: nobody would see that it failed.",
        "parameters": [_PREFER, _TRACE, _EVENT_ID],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"oneOf": [request, several]}, "examples": _examples()},
                _EVENT: {"schema": _ref("Event")},
                _EVENTS: {
                    "schema": {"type": "array", "items": _ref("Event"), "minItems": 1, "maxItems": MOST_REQUESTS}
                },
            },
        },
        "responses": {
            "200": _answer("The module existed; with `Status` `updated`, it was changed as requested.", _ref("Result")),
            "201": _answer("Created.", _ref("Result")),
            "202": _answer(
                "Queued. The outcomes go to the result topic.",
                _ref("Queued"),
                {"Preference-Applied": _PREFERENCE_APPLIED},
            ),
            "204": {"description": "No request: a CloudEvent without data."},
            "207": _answer("One result for each request of an array, in order.", _ref("Results"), _waits()),
            **_problems(KINDS.values()),
            **_BY_THE_PLATFORM,
        },
    }


def _examples() -> Schema:
    one = {"summary": "The sample of the API's documentation", "value": _SAMPLE}
    return {"one": one, "several": {"summary": "Two modules", "value": [_SAMPLE, {**_SAMPLE, "ModuleName": "mcu"}]}}


def _get(name: str, summary: str, schema: Schema) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _answer(f"{summary}.", schema), **_problems([KINDS["fault"]]), **_BY_THE_PLATFORM},
    }


def _answer(description: str, schema: Schema, headers: Schema | None = None, media: str = JSON) -> Schema:
    return {
        "description": description,
        "content": {media: {"schema": schema}},
        **({"headers": headers} if headers else {}),
    }


def _problems(kinds: Iterable[Kind]) -> Schema:
    """Describe the answers by status; a status can have several kinds of problem."""
    titles: dict[int, list[str]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.status):
        titles.setdefault(kind.status, []).append(f"{kind.title} (`{kind.type}`).")
    return {
        str(status): _answer(" ".join(words), _ref("ProblemDetails"), _headers(status), PROBLEM_JSON)
        for status, words in titles.items()
    }


def _headers(status: int) -> Schema | None:
    if status == 405:
        return {"Allow": {"description": "The allowed methods.", "schema": {"type": "string"}}}
    return _waits() if status == 503 else None


def _waits() -> Schema:
    return {"Retry-After": _RETRY_AFTER}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> Schema:
    _, generated = models_json_schema(
        [(ModuleRequest, "validation"), (Outcome, "serialization")], ref_template="#/components/schemas/{model}"
    )
    models: Schema = {name: _plain(schema) for name, schema in generated["$defs"].items()}
    data = models.pop("Outcome")
    named = {"Id": {"type": "string", "description": "The request's."}, **data["properties"]}
    models["Result"] = {**data, "properties": named, "required": ["Id", *data["required"]]}
    others = {name: schema for name, schema in named.items() if name not in ("Errors",)}
    requests = {"type": "array", "items": _ref("ModuleRequest"), "minItems": 1}
    nothing = {"type": ["object", "null"], "maxProperties": 0}
    return models | {
        "Event": _event(
            {"oneOf": [_ref("ModuleRequest"), requests, nothing], "description": "One request, or several."}
        ),
        "ProblemDetails": _problem_details(others),
        "Queued": _object(
            {"Ids": {"type": "array", "items": {"type": "string"}}}, ["Ids"], "The Ids of the queued requests."
        ),
        "Results": _object(
            {"results": {"type": "array", "items": _ref("Part")}},
            ["results"],
            "The results, in the order of the requests.",
        ),
        "Part": {
            "description": "The answer to one request as if it had been sent alone, with its status.",
            **_object({"status": {"type": "integer"}, "Id": {"type": "string"}}, ["status"]),
            "anyOf": [_ref("ProblemDetails"), _ref("Result"), _object({}, ["Id"])],
        },
        "Health": _object({"status": {"const": "ok"}}, ["status"]),
    }


def _problem_details(outcome: Schema) -> Schema:
    types = [kind.type for kind in KINDS.values()]
    own = {
        "type": {"type": "string", "enum": types},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": _ref("Problem"), "description": "Every fault of the request, by field."},
        "results": {
            "type": "array",
            "items": _ref("ProblemDetails"),
            "description": "The problem of each request of an array.",
        },
    }
    words = "A problem (RFC 9457), with what is known of the request and of its outcome, if it has one."
    return _object(own | outcome, ["type", "title", "status"], words)


def _event(data: Schema) -> Schema:
    text = {"type": "string", "minLength": 1}
    attributes: Schema = {
        "specversion": {"const": "1.0"},
        "id": {**text, "description": "The Id of a request that has none; the n-th of several gets `/n`."},
        "source": text,
        "type": text,
        "traceparent": text,
    }
    words = "A CloudEvent (1.0). Its data may also be a JSON text, or base64 as `data_base64`; without data it is no request."
    return _object(attributes | {"data": data}, ["specversion", "id", "source", "type"], words)


def _object(properties: Schema, required: list[str], description: str = "") -> Schema:
    words = {"description": description} if description else {}
    return {"type": "object", **words, "properties": properties, "required": required}


def _plain(schema: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Drop the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _plain(each) for name, each in schema.items() if not (name == "title" and isinstance(each, str))}
