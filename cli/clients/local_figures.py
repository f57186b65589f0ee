"""The figures of the local cloud, from its control API: they are those of this moment, whatever SMQ tells of its queues."""

import time
from collections.abc import Mapping
from typing import Any

from cli.clients import console
from cli.clients.figures import Figure, Figures, LastError, share_of
from cli.clients.streams import Stream
from cli.clients.target import Target

OLDER = "the local cloud that runs does not tell it"


def read(target: Target) -> Figures:
    """Raises: CloudError: the local cloud does not answer."""
    state = console.state(target)
    names = target.names
    requests, dead = (
        _mapping(_mapping(state, "queues"), queue) for queue in (names.request_queue, names.dead_letter_queue)
    )
    outcomes = _mapping(state, "outcomes")
    calls = _mapping(_mapping(state, "calls"), "lastSecond")
    return Figures(
        waiting=_figure(requests, "active"),
        in_flight=_figure(requests, "inactive"),
        delayed=_figure(requests, "delayed"),
        dead=_sum(dead),
        calls=Figure(float(sum(calls.values()))) if "calls" in state else Figure(None, why=OLDER),
        outcomes=_rate(outcomes),
        share=_share(state, names.queue_function),
        last_error=_last_error(state),
        streams=tuple(
            Stream(str(each.get("name")), str(each.get("state")), each.get("inFlight"))
            for each in state.get("streams", ())
        ),
    )


def _mapping(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _figure(values: Mapping[str, Any], name: str) -> Figure:
    value = values.get(name)
    return Figure(float(value)) if isinstance(value, int | float) else Figure(None, why=OLDER)


def _sum(depths: Mapping[str, Any]) -> Figure:
    """Dead letters are there whether somebody is looking at them or not."""
    known = [depths[name] for name in ("active", "inactive", "delayed") if name in depths]
    return Figure(float(sum(known))) if known else Figure(None, why=OLDER)


def _rate(outcomes: Mapping[str, Any]) -> Figure:
    if not outcomes.get("seconds"):
        return Figure(None, why=OLDER)
    return Figure(round(outcomes["recent"] / outcomes["seconds"], 1))


def _share(state: Mapping[str, Any], function: str) -> Figure:
    found = next((each for each in state.get("functions", ()) if each.get("name") == function), None)
    if found is None or "settings" not in found:
        return Figure(None, why=OLDER)
    return share_of(found["settings"])


def _last_error(state: Mapping[str, Any]) -> LastError | None:
    error = state.get("lastError")
    return LastError(str(error["text"]), max(time.time() - error["at"], 0.0)) if error else None
