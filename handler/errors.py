"""Defines the function's errors.

OtaModulesError
+-- SettingError            a setting is missing or has a value that is refused
+-- EnvelopeError           an event of no known trigger
+-- OutOfTime               the deadline comes before the next step could be done
+-- CallError               a call of the IoT API did not succeed
|   +-- Throttled           over the quota; nothing happened
|   +-- Transient          nothing lasting is wrong; the call may have had its effect
|   |   +-- NotSent        the call never reached the API
|   |   +-- Unanswered     the call was sent and no readable answer came: its effect is unknown
|   +-- Refused            the API understood the call and said no
|   +-- Misconfigured      the deployment's fault: key, token, permission, instance, arrears, clock
+-- SinkError               a message was not accepted by the topic or a queue
    +-- TooLarge            a message is larger than SMQ takes
+-- NotFinished             some requests could neither be finished nor put back
"""


class OtaModulesError(Exception):
    """Base of every error that the function raises itself."""


class SettingError(OtaModulesError):
    """A setting is missing or has a value that is refused."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class EnvelopeError(OtaModulesError):
    """An event of no known trigger; the text describes it."""


class OutOfTime(OtaModulesError):
    """The deadline comes before the next step; `wait` is how long that would have waited, in seconds."""

    def __init__(self, doing: str, wait: float = 0.0) -> None:
        super().__init__(f"no time left for {doing}")
        self.wait = wait


class CallError(OtaModulesError):
    """A call of the IoT API did not succeed; carries the answer's code, text and request id, and the setting to blame, if any."""

    def __init__(
        self,
        code: str,
        text: str = "",
        *,
        request_id: str | None = None,
        retry_after: float = 0.0,
        setting: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.text = text
        self.request_id = request_id
        self.retry_after = retry_after
        self.setting = setting


class Throttled(CallError):
    """Over the quota, and nothing happened; `retry_after` is in seconds, 0 where the answer names none."""


class Transient(CallError):
    """Nothing lasting is wrong, but the call may have had its effect: read back before calling again."""


class NotSent(Transient):
    """The connection was refused or never came up: the call had no effect."""


class Unanswered(Transient):
    """The call was sent and no readable answer came: its effect is unknown."""


class Refused(CallError):
    """The API understood the call and refused it; the read-back finds out why."""


class Misconfigured(CallError):
    """The deployment's fault, not the request's: no request can succeed until it is fixed."""


class SinkError(OtaModulesError):
    """A message was not accepted by the topic or a queue; it may have arrived all the same."""

    def __init__(self, sink: str, problem: str) -> None:
        super().__init__(f"{sink}: {problem}")
        self.sink = sink
        self.problem = problem


class TooLarge(SinkError):
    """A message is larger than SMQ takes (64 KiB as sent)."""


class NotFinished(OtaModulesError):
    """Some requests could neither be finished nor put back: the platform must deliver the batch again."""

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(f"{count} request(s) neither finished nor put back: {reason}")
