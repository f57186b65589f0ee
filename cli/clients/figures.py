"""What is waiting, in flight, delayed and given up; how fast it goes; what went wrong last. Any of it may be unknown."""

import time
from collections.abc import Callable, Mapping

from cli.clients import account_figures, console
from cli.clients.target import Target
from cli.errors import CloudError, UsageError
from cli.records import Failure, Figure, Figures, Known, NotKnown, Stream
from handler.errors import SettingError
from handler.settings import Settings

_REQUIRED = {"OTA_REGION": "any", "OTA_MNS_ENDPOINT": "https://any.example", "OTA_RESULT_TOPIC": "any"}
"""What settings need that has nothing to do with the quota."""


def read_figures(target: Target) -> Figures:
    """Return the figures of a target. Raises: CloudError: the local cloud does not answer, or runs another template."""
    names = target.names
    if not target.local:
        return account_figures.read(target, share_of(lambda: {"OTA_QPS": names.queue_qps}))
    state = console.state(target)
    try:
        requests, dead = state.queues[names.request_queue], state.queues[names.dead_letter_queue]
        settings = {each.name: each.settings for each in state.functions}[names.queue_function]
    except KeyError as missing:
        raise CloudError(f"the local cloud has no {missing}: it runs another template (OTA_TEMPLATE)") from None
    error = state.last_error
    return Figures(
        waiting=Known(requests["active"]),
        in_flight=Known(requests["inactive"]),
        delayed=Known(requests["delayed"]),
        # Dead letters are there whether somebody is looking at them or not.
        dead=Known(sum(dead.values())),
        calls=Known(sum(state.calls.values())),
        outcomes=Known(round(state.outcomes / state.seconds, 1)),
        share=share_of(lambda: settings),
        last_error=Failure(error.text, max(time.time() - error.at, 0.0)) if error else None,
        streams=[Stream(each.name, each.state, each.in_flight) for each in state.streams],
    )


def quota_settings(quota: Mapping[str, str]) -> Settings:
    """Return the settings of a function that is told this about the quota. Raises: UsageError: one is refused."""
    known = {name: value for name, value in quota.items() if name in Settings.model_fields and value != "set"}
    try:
        return Settings.read({**_REQUIRED, **known})
    except SettingError as error:
        raise UsageError(str(error)) from None


def uses_store(quota: Mapping[str, str], settings: Settings) -> bool:
    """Tell whether a function shares its quota through a store."""
    return settings.store is not None or "OTA_QUOTA_URL" in quota


def share_of(quota: Callable[[], Mapping[str, str]]) -> Figure:
    """Return the calls a second of one operation that a function's settings let all its instances make."""
    try:
        settings = quota_settings(quota())
    except UsageError as error:
        return NotKnown(str(error))
    return Known(settings.rate if uses_store(quota(), settings) else settings.share * settings.OTA_QUOTA_INSTANCES)
