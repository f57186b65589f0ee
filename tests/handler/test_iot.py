"""The IoT API: signed calls, their slots, and lists of modules."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given

from emulator.iot.signature import sign, string_to_sign
from handler.clock import Clock
from handler.credentials import Credentials
from handler.errors import Misconfigured, NotSent, OutOfTime, Refused, Throttled, Unanswered
from handler.http1 import Answer
from handler.iot import Halt, IotApi, Module, Session, read_modules
from tests.support.fake_iot import answered
from tests.support.json_values import json_values

KEYS = Credentials("testid", "testsecret")


@dataclass
class Api:
    """A transport whose answers come from a function, and a quota without limit; all calls are kept."""

    answer: Callable[[Mapping[str, str]], Answer]
    calls: list[Mapping[str, str]] = field(default_factory=list)
    accepted_answers: list[str] = field(default_factory=list)
    throttles: list[float] = field(default_factory=list)
    now: float = 0.0
    opening: Callable[[float], float] = lambda _seconds: 0.0
    """How long it takes to open the connection, within so many seconds; raises what goes wrong."""

    def open(self, seconds: float) -> None:
        self.now += self.opening(seconds)

    def post(self, target: str, seconds: float) -> Answer:
        self.calls.append({**{k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}, "seconds": str(seconds)})
        return self.answer(self.calls[-1])

    def wait(self, operation: str, deadline: float) -> float:
        return 0.25

    def throttled(self, operation: str, retry_after: float) -> None:
        self.throttles.append(retry_after)

    def accepted(self, operation: str) -> None:
        self.accepted_answers.append(operation)

    def session(self, deadline: float = 100.0, keys: Callable[[], Credentials] = lambda: KEYS) -> Session:
        clock = Clock(lambda: self.now, lambda: 0.0, lambda _seconds: None)
        return Session(IotApi("cn-shanghai", self, self, clock, 10.0), keys, deadline, Halt())


def api(*answers: Answer) -> Api:
    """The last answer is given to all further calls."""
    rest = list(answers)
    return Api(lambda _call: rest.pop(0) if len(rest) > 1 else rest[0])


WANTED = {"ProductKey": "a1", "ModuleName": "mcu", "AliasName": "微控", "Desc": "a b*~+/&=?"}


def test_a_call_carries_every_parameter_and_a_valid_signature() -> None:
    fake = api(answered(Success=True))
    fake.session().create(WANTED)
    sent = {name: value for name, value in fake.calls[0].items() if name not in ("Signature", "seconds")}
    assert {name: sent[name] for name in WANTED} == WANTED
    assert (sent["Version"], sent["Format"], sent["RegionId"]) == ("2018-01-20", "JSON", "cn-shanghai")
    assert fake.calls[0]["Signature"] == sign("testsecret", string_to_sign("POST", {**sent, "SignatureType": ""}))


def test_every_attempt_has_its_own_nonce_and_the_keys_of_the_moment() -> None:
    """A nonce that is used twice is refused; keys are asked for on each call, so that they may change."""
    fake = api(answered(Success=True))
    keys = iter([Credentials("k1", "s", "token-1"), Credentials("k2", "s")])
    session = fake.session(keys=lambda: next(keys))
    session.create(WANTED)
    session.create(WANTED)
    first, second = fake.calls
    assert first["SignatureNonce"] != second["SignatureNonce"]
    assert (first["AccessKeyId"], first["SecurityToken"]) == ("k1", "token-1")
    assert (second["AccessKeyId"], "SecurityToken" in second) == ("k2", False)


def test_a_throttle_slows_the_quota_and_other_answers_speed_it_up() -> None:
    fake = api(answered(429, {"x-acs-retry-after": "200"}), answered(Success=False, Code="x"), answered(Success=True))
    session = fake.session()
    for kind in (Throttled, Refused):
        with pytest.raises(kind):
            session.create(WANTED)
    session.create(WANTED)
    assert fake.throttles == [0.2]
    assert fake.accepted_answers == ["CreateOTAModule"] * 2
    assert (session.usage.calls, session.usage.throttles, session.usage.waited) == (3, 1, 0.75)


@pytest.mark.parametrize("code", ["InvalidTimeStamp.Expired", "InvalidSecurityToken.Expired", "SignatureDoesNotMatch"])
def test_a_fresh_signature_is_tried_once(code: str) -> None:
    """A clock or a token may have been at fault for that one call."""
    fake = api(answered(400, Code=code), answered(Success=True))
    fake.session().create(WANTED)
    assert len(fake.calls) == 2


def test_nobody_gets_the_same_error_object_twice() -> None:
    """It would keep the frames of everybody who raised it."""
    fake = api(answered(403, Code="Forbidden.RAM"))
    session, errors = fake.session(), []
    for _ in range(3):
        with pytest.raises(Misconfigured) as caught:
            session.create(WANTED)
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert {str(error) for error in errors} == {"Forbidden.RAM"}


def test_connecting_takes_no_longer_than_the_deadline_allows_and_is_no_call() -> None:
    """A network that swallows everything would hold the call beyond the invocation's end."""
    limits: list[float] = []

    def swallow(seconds: float) -> float:
        limits.append(seconds)
        fake.now += seconds
        raise NotSent("NotConnected", "TimeoutError")

    fake = Api(lambda _call: answered(), opening=swallow)
    session = fake.session(deadline=3.0)
    for kind in (NotSent, OutOfTime):
        with pytest.raises(kind):
            session.create(WANTED)
    assert (limits, session.usage.calls, fake.calls) == ([3.0], 0, [])


def closing(*seconds: float) -> Api:
    """A server that has closed the connection whenever a call's turn comes; opening it again takes so many seconds each time."""
    pauses = iter([0.0, *seconds])
    return Api(lambda _call: answered(Success=True), opening=lambda _seconds: next(pauses, 0.0))


@pytest.mark.parametrize(("seconds", "slots"), [((0.0,), 1), ((0.05,), 1), ((0.06, 0.0), 2), ((1.0, 1.0, 0.01), 3)])
def test_a_call_that_would_leave_late_takes_another_slot(seconds: tuple[float, ...], slots: int) -> None:
    """It would come on top of those that leave in theirs."""
    fake = closing(*seconds)
    session = fake.session()
    session.create(WANTED)
    assert session.usage.waited == slots * 0.25
    assert len(fake.calls) == 1


def test_slots_are_taken_until_the_deadline_and_cost_no_attempt() -> None:
    """A call that never left, because the server closes each connection at once, has not failed."""
    fake = closing(*[1.0] * 99)
    with pytest.raises(OutOfTime):
        fake.session(deadline=9.0).create(WANTED)
    assert (fake.calls, fake.now) == ([], 9.0)


def test_an_answer_is_waited_for_until_the_deadline_only() -> None:
    fake = api(answered(Success=True))
    fake.session(deadline=3.0).create(WANTED)
    assert fake.calls[0]["seconds"] == "3.0"
    fake.now = 3.0
    with pytest.raises(OutOfTime):
        fake.session(deadline=3.0).create(WANTED)
    assert len(fake.calls) == 1


MCU = {"ModuleName": "mcu", "AliasName": "a", "Desc": "d", "GmtCreate": "2020-10-13T09:46Z", "ProductKey": "a1"}
READ = Module("mcu", "a", "d", "2020-10-13T09:46Z")


@pytest.mark.parametrize(
    ("data", "modules"),
    [
        ([MCU], [READ]), (MCU, [READ]), ({"OtaModuleDTO": [MCU, MCU]}, [READ, READ]), ({"OtaModuleDTO": MCU}, [READ]),
        (None, None), ([], []), ({}, []), ({"otaModuleDTO": []}, []), ({"OtaModuleDTO": None}, None),
        ([{"moduleName": "mcu", "desc": None}], [Module("mcu")]),
    ],
)  # fmt: skip
def test_the_list_is_read_in_every_shape_that_was_seen(data: object, modules: list[Module] | None) -> None:
    assert api(answered(Success=True, Data=data)).session().list_modules({"ProductKey": "a1"}).modules == modules


@given(json_values())
def test_any_other_data_is_an_unreadable_answer(data: object) -> None:
    with suppress(Unanswered):
        assert all(module.ModuleName for module in read_modules(data) or [])


def test_keys_that_have_expired_are_told_with_what_to_do() -> None:
    """No request is to blame; the instance has no others, until the platform starts a new one."""
    fake = api(answered(403, Code="InvalidSecurityToken.Expired", Message="expired"))
    with pytest.raises(Misconfigured, match="expired") as caught:
        fake.session().create(WANTED)
    assert (caught.value.setting, len(fake.calls)) == ("ALIBABA_CLOUD_SECURITY_TOKEN", 2)
    assert "change the function's configuration" in caught.value.text
