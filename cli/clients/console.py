"""The control API of the local cloud, which stands behind its page."""

from typing import Any

from pydantic import AliasPath, BaseModel, Field, ValidationError

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError


def call(target: Target, path: str, method: str = "GET", body: bytes | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Call the control API, with a body that is JSON, and return the value that it answers; None for an empty answer.

    Raises: CloudError: there is no answer, or a refusal; `code` is the HTTP status then.
    """
    headers = {"Content-Type": "application/json"} if body else {}
    answer = http.call(f"{target.console_url}{path}", method, headers, body, seconds=10)
    value = http.json_value(answer.content or b"null", "no JSON")
    if answer.status >= 400 or value == "no JSON":
        detail = value.get("detail") if isinstance(value, dict) else value
        raise CloudError(f"the local cloud answered {answer.status}: {detail}", str(answer.status))
    return value


class LocalStream(BaseModel):
    """A stream from a queue to a function."""

    name: str
    state: str
    in_flight: int = Field(validation_alias="inFlight")
    queue: str


class LocalFunction(BaseModel):
    """A function, and what it is told about the quota."""

    name: str
    settings: dict[str, str]


class LocalFailure(BaseModel):
    """What went wrong last; `at` is unix seconds."""

    text: str
    at: float


class State(BaseModel):
    """What the local cloud is doing now, as far as commands need it."""

    began: float
    queues: dict[str, dict[str, int]]
    """How many messages are active, inactive and delayed."""
    streams: list[LocalStream]
    functions: list[LocalFunction]
    calls: dict[str, int] = Field(validation_alias=AliasPath("calls", "lastSecond"))
    """Calls of the IoT API in the last second, by operation."""
    outcomes: int = Field(validation_alias=AliasPath("outcomes", "recent"))
    """Outcomes of the last `seconds`."""
    seconds: float = Field(validation_alias=AliasPath("outcomes", "seconds"))
    last_error: LocalFailure | None = Field(validation_alias="lastError")


def state(target: Target) -> State:
    """Return what the local cloud is doing now. Raises: CloudError."""
    try:
        return State.model_validate(call(target, "/state"))
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"]))
        raise CloudError(f"the local cloud that runs is of another version: {wrong} of its state") from None
