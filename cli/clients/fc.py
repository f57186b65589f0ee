"""Function Compute's invoke API (2.0), through the official SDK."""

import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError
from handler.clock import Clock

TIMEOUT = 310
"""Seconds; a function may take 300."""
BUSY_TRIES = 8

# On errors the SDK logs the whole request, signature and token included; and logging prints what nobody handles.
logging.getLogger().addHandler(logging.NullHandler())


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


class FunctionError(CloudError):
    """The function raised; carries what the platform says about it."""

    def __init__(self, kind: str, text: str, details: Mapping[str, Any]) -> None:
        super().__init__(f"the function failed: {kind}: {text}", kind)
        self.details = details


class Functions:
    """The functions of a target."""

    def __init__(self, target: Target, clock: Clock | None = None) -> None:
        # Not above: what the SDK imports slows the start of every command down.
        import fc2
        from fc2.fc_exceptions import FcError

        self._refusal: type[Exception] = FcError
        keys = target.keys
        self._target = target
        self._clock = clock or Clock()
        self._client = fc2.Client(
            endpoint=target.fc_url,
            accessKeyID=keys.id,
            accessKeySecret=keys.secret,
            securityToken=keys.token,
            Timeout=TIMEOUT,
        )

    def invoke(self, function: str, payload: bytes) -> Invocation:
        """Invoke and wait for the result; a function with no instance free is tried again.

        Raises: FunctionError, CloudError.
        """
        for busy in range(1, BUSY_TRIES + 1):
            try:
                return self._invoke(function, payload)
            except self._refusal as error:
                problem = _problem(error)
            except OSError as error:
                # requests' exceptions are OSErrors; some hold the whole request in their text.
                host = urlsplit(self._target.fc_url).hostname or ""
                raise CloudError(
                    f"no answer from {self._target.fc_url} ({type(error).__name__}){http.hint(host)}"
                ) from None
            if problem.code != "ResourceExhausted" or busy == BUSY_TRIES:
                raise problem
            self._clock.sleep(0.25 * busy)
        raise AssertionError("unreachable")

    def _invoke(self, function: str, payload: bytes) -> Invocation:
        headers = {"x-fc-invocation-type": "Sync", "x-fc-log-type": "Tail"}
        answer = self._client.invoke_function(self._target.names.service, function, payload, headers)
        log = base64.b64decode(answer.headers.get("X-Fc-Log-Result", "")).decode("utf-8", "replace")
        return Invocation(str(answer.headers.get("X-Fc-Request-Id", "")), answer.data, log)


def _problem(error: Any) -> CloudError:  # noqa: ANN401 - the SDK has no types
    try:
        details = json.loads(str(error.message))
    except ValueError:
        details = {}
    if error.status_code == 429:
        return CloudError("the function has no instance free", "ResourceExhausted")
    if error.status_code == 200:
        return FunctionError(str(details.get("errorType")), str(details.get("errorMessage")), details)
    text = details.get("ErrorMessage") or details.get("errorMessage") or "no reason given"
    return CloudError(f"Function Compute: {error.status_code} {error.err_code}: {text}", str(error.err_code))
