"""The event streams that take requests from the queue to the function: what they are doing, pause and resume."""

from urllib.parse import quote

from cli.clients import console
from cli.clients.openapi import EVENT_BRIDGE, OpenApi
from cli.clients.target import Target
from cli.errors import CloudError
from cli.records import Stream


class Streams:
    """The streams of a target's request queue: of the local cloud's control API, or of EventBridge 2020-04-01.

    What name EventBridge gives the stream of a function's trigger is not documented, so it is found by its queue.
    """

    def __init__(self, target: Target, api: OpenApi | None = None) -> None:
        self._target = target
        self._queue = target.names.request_queue
        self._api = api or OpenApi(target)

    def read(self) -> list[Stream]:
        """Return them; none where no stream reads the queue, as far as anybody tells. Raises: CloudError."""
        if self._target.local:
            found = console.state(self._target).streams
            return [Stream(each.name, each.state, each.in_flight) for each in found if each.queue == self._queue]
        streams: list[Stream] = []
        page = {"Limit": "100"}
        while True:
            data = self._api.call(EVENT_BRIDGE, "ListEventStreamings", form=True, **page).get("Data") or {}
            for each in data.get("EventStreamings") or ():
                source = (each.get("Source") or {}).get("SourceMNSParameters") or {}
                if source.get("QueueName") == self._queue:
                    streams.append(Stream(str(each.get("EventStreamingName")), str(each.get("Status"))))
            if not data.get("NextToken"):
                return streams
            page["NextToken"] = str(data["NextToken"])

    def switch(self, name: str, *, on: bool) -> None:
        """Resume a stream, or pause it. Raises: CloudError."""
        if self._target.local:
            console.call(self._target, f"/streams/{quote(name)}/{'resume' if on else 'pause'}", "POST")
        else:
            action = "StartEventStreaming" if on else "PauseEventStreaming"
            self._api.call(EVENT_BRIDGE, action, form=True, EventStreamingName=name)

    def find(self, *, on: bool) -> list[Stream]:
        """Return them to be resumed, or to be paused. Raises: CloudError: there are none, or they cannot be listed."""
        by_hand = (
            f"by hand: set `triggerEnable: {str(on).lower()}` for the trigger `requests` in template.yml, then "
            "`npx s queue deploy -t template.yml --trigger requests`"
        )
        try:
            found = self.read()
        except CloudError as error:
            raise CloudError(f"the streams cannot be listed: {error}; {by_hand}", error.code) from None
        if not found:
            raise CloudError(f"no stream reads the request queue; {by_hand}")
        return found
