"""`ota-modules pause` and `ota-modules resume`: the stream from the request queue to the function."""

from cli.clients.streams import find, streams_of
from cli.commands.options import AsJson, Local, chosen
from cli.terminal.screen import Screen


def pause(local: Local = False, as_json: AsJson = False) -> None:
    """Stop taking requests from the queue. What the function is working on ends first; everything else waits, for four days.

    Example: ota-modules pause
    """
    screen = Screen(as_json=as_json)
    streams = streams_of(chosen(screen, local=local))
    for stream in find(streams, enable=False):
        streams.pause(stream.name)
        ending = f"; {stream.in_flight} in flight end first" if stream.in_flight else ""
        screen.record({"Stream": stream.name, "State": "paused", "InFlight": stream.in_flight})
        screen.say(f"{stream.name} is paused{ending}. `ota-modules resume` lets it go on")


def resume(local: Local = False, as_json: AsJson = False) -> None:
    """Go on taking requests from the queue.

    Example: ota-modules resume
    """
    screen = Screen(as_json=as_json)
    streams = streams_of(chosen(screen, local=local))
    for stream in find(streams, enable=True):
        streams.resume(stream.name)
        screen.record({"Stream": stream.name, "State": "running"})
        screen.say(f"{stream.name} goes on")
