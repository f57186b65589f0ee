"""The event streams that take requests from the queue to the function: what they are doing, pause and resume."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from cli.clients import console
from cli.clients.openapi import EVENT_BRIDGE, OpenApi
from cli.clients.target import Target
from cli.errors import CloudError

PAGE = 100


@dataclass(frozen=True)
class Stream:
    """A stream of the request queue; `in_flight` is None where nobody tells how many messages it holds."""

    name: str
    state: str
    in_flight: int | None = None

    @property
    def is_paused(self) -> bool:
        return self.state.upper() in ("PAUSED", "PAUSING")


class Streams(Protocol):
    """The streams of one target."""

    def list(self) -> list[Stream]: ...
    def pause(self, name: str) -> None: ...
    def resume(self, name: str) -> None: ...


def streams_of(target: Target) -> Streams:
    """Return the streams of a target."""
    return LocalStreams(target) if target.local else AccountStreams(target, OpenApi(target))


class LocalStreams:
    """Those of the local cloud."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def list(self) -> list[Stream]:
        """Raises: CloudError."""
        queue = self._target.names.request_queue
        found = [each for each in console.state(self._target).get("streams", ()) if each.get("queue", queue) == queue]
        return [Stream(each["name"], each["state"], each["inFlight"]) for each in found]

    def pause(self, name: str) -> None:
        """Raises: CloudError."""
        console.call(self._target, f"/streams/{quote(name)}/pause", "POST")

    def resume(self, name: str) -> None:
        """Raises: CloudError."""
        console.call(self._target, f"/streams/{quote(name)}/resume", "POST")


class AccountStreams:
    """Those of an account: EventBridge 2020-04-01. What name the stream of a function's trigger has is not documented, so it is
    found by its queue."""

    def __init__(self, target: Target, api: OpenApi) -> None:
        self._queue = target.names.request_queue
        self._api = api

    def list(self) -> list[Stream]:
        """Raises: CloudError: also where no stream reads the queue, as far as EventBridge tells."""
        found: list[Stream] = []
        page: str | None = None
        while page is None or page:
            answer = self._api.call(
                EVENT_BRIDGE, "ListEventStreamings", form={"Limit": str(PAGE), **({"NextToken": page} if page else {})}
            )
            data = answer.get("Data")
            data = data if isinstance(data, dict) else {}
            found += [stream for each in data.get("EventStreamings") or () if (stream := self._read(each))]
            page = str(data.get("NextToken") or "")
        return found

    def _read(self, value: Any) -> Stream | None:  # noqa: ANN401 - any JSON value
        try:
            ours = value["Source"]["SourceMNSParameters"]["QueueName"] == self._queue
        except (KeyError, TypeError):
            return None
        return Stream(str(value.get("EventStreamingName")), str(value.get("Status"))) if ours else None

    def pause(self, name: str) -> None:
        """Raises: CloudError."""
        self._api.call(EVENT_BRIDGE, "PauseEventStreaming", form={"EventStreamingName": name})

    def resume(self, name: str) -> None:
        """Raises: CloudError."""
        self._api.call(EVENT_BRIDGE, "StartEventStreaming", form={"EventStreamingName": name})


def by_hand(*, enable: bool) -> str:
    """Say how the deployment does it where EventBridge's API does not."""
    return (
        f"set `triggerEnable: {str(enable).lower()}` for the trigger `requests` in template.yml, then "
        "`npx s queue deploy -t template.yml --trigger requests`"
    )


def find(streams: Streams, *, enable: bool) -> list[Stream]:
    """Return the streams of the request queue. Raises: CloudError: there are none, or they cannot be listed."""
    try:
        found = streams.list()
    except CloudError as error:
        raise CloudError(
            f"the streams cannot be listed: {error}; by hand: {by_hand(enable=enable)}", error.code
        ) from None
    if not found:
        raise CloudError(f"no stream reads the request queue; by hand: {by_hand(enable=enable)}")
    return found
