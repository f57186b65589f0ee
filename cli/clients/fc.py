"""Function Compute's invoke API (2.0), through the official SDK."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cli.clients.target import Target
from cli.errors import CloudError
from handler.clock import Clock

BUSY_TRIES = 8


@dataclass(frozen=True)
class Invocation:
    """What a function returned, and the end of its log."""

    request_id: str
    result: bytes
    log: str = ""

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """The result as a JSON value; text where it is none."""
        try:
            return json.loads(self.result)
        except ValueError:
            return self.result.decode("utf-8", "replace")


class Functions:
    """The functions of a target."""

    def __init__(self, target: Target, clock: Clock | None = None) -> None:
        # Not above: what the SDK imports slows the start of every command down.
        from cli.clients.fc_sdk import Client

        keys = target.keys
        self._service = target.names.service
        self._clock = clock or Clock()
        self._client = Client(
            endpoint=target.fc_url, accessKeyID=keys.id, accessKeySecret=keys.secret, securityToken=keys.token
        )

    def invoke(self, function: str, payload: bytes) -> Invocation:
        """Invoke and wait for the result; a function with no instance free is tried again.

        Raises: FunctionError, CloudError.
        """
        for busy in range(1, BUSY_TRIES):
            try:
                return self._invoke(function, payload)
            except CloudError as error:
                if error.code != "ResourceExhausted":
                    raise
            self._clock.sleep(0.25 * busy)
        return self._invoke(function, payload)

    def _invoke(self, function: str, payload: bytes) -> Invocation:
        headers = {"x-fc-invocation-type": "Sync", "x-fc-log-type": "Tail"}
        answer = self._client.invoke_function(self._service, function, payload, headers)
        log = base64.b64decode(answer.headers.get("x-fc-log-result", "")).decode("utf-8", "replace")
        return Invocation(answer.headers.get("x-fc-request-id", ""), answer.data, log)
