"""The schemas of requests, outcomes and dead letters, by name, made from the models that the function itself uses."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from deploy.openapi import document
from handler.envelopes import MOST_REQUESTS
from handler.messages import Known
from handler.outcomes import Reason, Status

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMPONENTS = "#/components/schemas/"


def schemas() -> Mapping[str, Schema]:
    """Build every schema; they refer to one another as components of an OpenAPI or AsyncAPI document do."""
    models = document()["components"]["schemas"]
    return {
        "ModuleRequest": models["ModuleRequest"],
        "ModuleRequests": {
            "description": "Several requests in one message.",
            "type": "array",
            "items": _ref("ModuleRequest"),
            "minItems": 1,
            "maxItems": MOST_REQUESTS,
        },
        "Outcome": _event(models["ModuleRequest"]["properties"]["traceparent"]),
        "OutcomeData": _data(models["Result"]),
        "Problem": models["Problem"],
        "Difference": models["Difference"],
        "DeadLetter": _dead_letter(),
    }


def manifest() -> Schema:
    """Return the schema of a manifest, for editors: a grid, plain requests, or a single one."""
    request = standalone("manifest", "A manifest: which modules should exist", "ModuleRequest")
    model = request["$defs"]["ModuleRequest"]
    own = {name: rule for name, rule in model["properties"].items() if name not in SET_BY_US}
    wanted = {**model, "properties": own}
    partial = {"type": "object", "properties": own, "additionalProperties": False}
    override = {**partial, "properties": {**own, "Skip": {"type": "boolean"}}}

    def rows(name: str) -> Schema:
        return {"type": "array", "items": {"anyOf": [own[name], {"$ref": "#/$defs/Fields"}]}, "minItems": 1}

    grid = {
        "type": "object",
        "properties": {
            "defaults": {"$ref": "#/$defs/Fields"},
            "products": rows("ProductKey"),
            "modules": rows("ModuleName"),
            "overrides": {"type": "array", "items": {"$ref": "#/$defs/Override"}},
            "requests": {"type": "array", "items": {"$ref": "#/$defs/Fields"}},
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        "dependentRequired": {"products": ["modules"], "modules": ["products"]},
    }
    many = {"type": "array", "items": {"$ref": "#/$defs/ModuleRequest"}}
    request.pop("$ref")
    forms = {"anyOf": [{"$ref": "#/$defs/Grid"}, many, {"$ref": "#/$defs/ModuleRequest"}]}
    parts = {"ModuleRequest": wanted, "Fields": partial, "Override": override, "Grid": grid}
    return {**{name: value for name, value in request.items() if name != "$defs"}, **forms, "$defs": parts}


SET_BY_US = ("Attempt", "Since", "Replay", *Known._fields)
"""Fields that travel with a request that is put back or replayed, and that no sender may set."""


def standalone(name: str, title: str, *roots: str) -> Schema:
    """Build a JSON Schema of its own, which takes what any of the roots takes and holds whatever they refer to."""
    found = schemas()
    wanted: dict[str, Schema] = {}
    waiting = list(roots)
    while waiting:
        each = waiting.pop(0)
        if each not in wanted:
            wanted[each] = found[each]
            waiting += [other for other in found if f'"{_COMPONENTS}{other}"' in json.dumps(found[each])]
    body = {"oneOf": [_ref(root) for root in roots]} if len(roots) > 1 else _ref(roots[0])
    schema = {"$schema": DIALECT, "$id": f"urn:ota-modules:schema:{name}", "title": title, **body, "$defs": wanted}
    moved: Schema = json.loads(json.dumps(schema).replace(f'"{_COMPONENTS}', '"#/$defs/'))
    return moved


def _ref(name: str) -> Schema:
    return {"$ref": f"{_COMPONENTS}{name}"}


def _event(traceparent: Schema) -> Schema:
    """Describe the CloudEvent around an outcome's data."""
    text = {"type": "string", "minLength": 1}
    properties = {
        "specversion": {"const": "1.0"},
        "id": {**text, "format": "uuid", "description": "The same whenever an outcome is repeated."},
        "source": {**text, "format": "uri-reference", "description": "/ota-modules/<region>/<function>"},
        "type": {"type": "string", "enum": [f"ota.module.{status}" for status in get_args(Status)]},
        "time": {**text, "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "subject": {**text, "description": "<ProductKey>/<ModuleName>, if the request has both."},
        "correlationid": {**text, "description": "The request's CorrelationId."},
        "causationid": {**text, "description": "The request's Id."},
        "traceparent": _present(traceparent),
        "data": _ref("OutcomeData"),
    }
    optional = ("subject", "correlationid", "traceparent")
    return {
        "description": "How a request ended, as a CloudEvent 1.0 in structured JSON. Unknown fields are left out.",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _data(result: Schema) -> Schema:
    """Describe an outcome's data; HTTP answers add the Id, which the event has as its causationid."""
    properties = {name: _present(schema) for name, schema in result["properties"].items() if name != "Id"}
    return {**result, "properties": properties, "required": ["Status", "Attempts"]}


def _present(schema: Schema) -> Schema:
    """Describe a property of something that leaves out what is null."""
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    found = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return {**kept, **found[0]} if found else kept


def _dead_letter() -> Schema:
    properties = {
        "Reason": {
            "type": "string",
            "enum": list(get_args(Reason)),
            "description": "Why the request could not be finished.",
        },
        "Detail": {"type": "string"},
        "Request": _ref("ModuleRequest"),
        "Outcome": _ref("Outcome"),
    }
    return {
        "description": "A request that the function gave up, and its outcome.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
