"""Reads the bodies of requests to the control API, and of messages."""

import base64
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulator.bodies import read_body

LONGEST_ID = 128
Value = Any
"""Any JSON value."""
M = TypeVar("M", bound=BaseModel)


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def parse_json(text: str) -> Value:
    """Parse a text as JSON; return None if it is not valid."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def write_json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_requests(value: Value, message_id: str) -> dict[str, Mapping[str, Any]]:
    """Return the requests of a message by their Ids; one without takes the message's id, numbered in an array."""
    requests: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        request = item if isinstance(item, dict) else {}
        name = request.get("Id")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            name = f"{message_id}/{number}" if isinstance(value, list) else message_id
        requests[name] = request
    return requests


async def read_model(request: Request, model: type[M], limit: int) -> M:
    """Read a request's JSON body. Raises: HTTPException."""
    # A page of another site can have a browser send a form or plain text here, but no JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body must be application/json")
    body = await read_body(request, limit, HTTPException(413, f"the body is larger than {limit} bytes"))
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise HTTPException(422, f"{place}: {first['msg']}" if place else first["msg"]) from error


async def answer_problem(_request: Request, error: Exception) -> Response:
    """Answer with the text of an HTTPException."""
    refusal = error if isinstance(error, HTTPException) else HTTPException(500)
    return JSONResponse({"detail": refusal.detail}, refusal.status_code)
