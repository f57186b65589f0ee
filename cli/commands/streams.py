"""`ota-modules pause` and `ota-modules resume`: the stream from the request queue to the function."""

from cli.clients.streams import Streams
from cli.commands.session import Cloud


def pause(session: Cloud) -> None:
    """Stop taking requests from the queue. What the function is working on ends first; everything else waits, for four days.

    Example: ota-modules pause
    """
    screen, streams = session.screen, Streams(session.target())
    for stream in streams.find(on=False):
        streams.switch(stream.name, on=False)
        ending = f"; {stream.in_flight} in flight end first" if stream.in_flight else ""
        screen.record({"Stream": stream.name, "State": "paused", "InFlight": stream.in_flight})
        screen.summary(f"{stream.name} is paused{ending}. `ota-modules resume` starts it again")


def resume(session: Cloud) -> None:
    """Take requests from the queue again.

    Example: ota-modules resume
    """
    screen, streams = session.screen, Streams(session.target())
    for stream in streams.find(on=True):
        streams.switch(stream.name, on=True)
        screen.record({"Stream": stream.name, "State": "running"})
        screen.summary(f"{stream.name} is running again")
