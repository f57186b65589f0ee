"""Modules: ensure one, whatever the API answers or fails to answer."""

import time
from collections import deque
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.errors import Unanswered
from handler.http1 import Answer
from handler.messages import ModuleRequest
from handler.modules import GivenUp, Verdict, ensure
from tests.support.fake_iot import (
    Effect,
    FakeClock,
    FakeIot,
    Fault,
    answered,
    busy,
    busy_after_effect,
    denied,
    fine,
    lost_call,
    lost_reply,
    refused_connection,
    session,
    throttle,
)

PRODUCT = "a1"


def request(**fields: object) -> ModuleRequest:
    return ModuleRequest.model_validate({"ProductKey": PRODUCT, "ModuleName": "mcu", "Id": "r1", **fields})


def iot_with(*names: str, alias: str = "", text: str = "", faults: tuple[Fault, ...] = ()) -> FakeIot:
    iot = FakeIot({PRODUCT: {}}, deque(faults))
    iot.add(PRODUCT, *names, alias=alias, text=text)
    return iot


def run(iot: FakeIot, *, seconds: float = 300.0, clock: FakeClock | None = None, **fields: Any) -> Verdict | GivenUp:
    return ensure(request(**fields), session(iot, clock=clock, seconds=seconds), "keep", lambda: 0.5)


def verdict(iot: FakeIot, **fields: Any) -> Verdict:
    end = run(iot, **fields)
    assert isinstance(end, Verdict)
    return end


def given_up(iot: FakeIot, **fields: Any) -> GivenUp:
    end = run(iot, **fields)
    assert isinstance(end, GivenUp)
    return end


def odd(_effect: Effect) -> Answer:
    return answered(Success=False, Code="iot.ota.Odd", ErrorMessage="odd")


def empty(_effect: Effect) -> Answer:
    return answered(Success=True)


CREATE, LIST, UPDATE = "CreateOTAModule", "ListOTAModuleByProduct", "UpdateOTAModule"
NINE = [f"m{n}" for n in range(9)]
CASES: dict[str, tuple[FakeIot, dict[str, object], str, list[str]]] = {
    "a new module costs one call": (iot_with(), {"AliasName": "Mcu"}, "created", [CREATE]),
    "no code says that one is there; the list does": (
        iot_with("mcu", alias="Mcu"), {"AliasName": "Mcu"}, "existing", [CREATE, LIST]
    ),
    "keep means keep": (iot_with("mcu", alias="Old"), {"AliasName": "New"}, "existing", [CREATE, LIST]),
    "no update is applied that is not needed": (
        iot_with("mcu", alias="Mcu"), {"AliasName": "Mcu", "OnExisting": "update"}, "existing", [CREATE, LIST]
    ),
    "ten custom modules are the limit": (iot_with(*NINE, "m9"), {}, "rejected: limit", [CREATE, LIST]),
    "`default` does not count": (iot_with(*NINE, faults=(odd,)), {}, "rejected: refused", [CREATE, LIST, LIST]),
    "a refusal is believed after a second look": (iot_with(faults=(odd,)), {}, "rejected: refused", [CREATE, LIST, LIST]),
    "no modules can be listed of an unknown product": (FakeIot({}), {}, "rejected: product-unknown", [CREATE, LIST]),
    "what was answered by nobody is read back": (iot_with(faults=(lost_reply,)), {}, "created", [CREATE, LIST]),
    "so is what was answered with an error": (iot_with(faults=(busy_after_effect,)), {}, "created", [CREATE, LIST]),
    "a call that had no effect is made again": (iot_with(faults=(lost_call,)), {}, "created", [CREATE, LIST, CREATE]),
    "so is one that was not taken": (iot_with(faults=(busy,)), {}, "created", [CREATE, LIST, CREATE]),
    "so is one that never left": (iot_with(faults=(refused_connection,)), {}, "created", [CREATE, LIST, CREATE]),
    "a throttle costs no list call": (iot_with(faults=(throttle,)), {}, "created", [CREATE, CREATE]),
    "throttles are borne longer than faults": (iot_with(faults=(throttle,) * 20), {}, "created", [CREATE] * 21),
    "another alias is somebody else's": (
        iot_with("mcu", alias="Theirs", faults=(lost_call,)), {"AliasName": "Ours"}, "existing", [CREATE, LIST]
    ),
    "our call would have spelt the name as we do": (iot_with("MCU", faults=(lost_call,)), {}, "existing", [CREATE, LIST]),
    "an unanswered update is read back": (
        iot_with("mcu", alias="Old", faults=(fine, fine, lost_reply)), {"AliasName": "New", "OnExisting": "update"},
        "updated", [CREATE, LIST, UPDATE, LIST],
    ),
    "an accepted update is not made twice": (
        iot_with("mcu", alias="Later"), {"AliasName": "New", "OnExisting": "update", "Updated": True, "Theirs": True},
        "updated", [LIST],
    ),
    "what was tried in an earlier delivery is read back first": (
        iot_with("mcu"), {"Tried": 1_000_000, "OnExisting": "fail"}, "created", [LIST]
    ),
    "an accepted update is another policy's": (
        iot_with("mcu", alias="New"), {"AliasName": "New", "Updated": True}, "existing", [CREATE, LIST]
    ),
    "to create again is safe after a list without data": (
        iot_with(faults=(lost_call, empty)), {}, "created", [CREATE, LIST, CREATE]
    ),
    "a list without data proves nothing": (iot_with("mcu", faults=(fine, empty)), {}, "existing", [CREATE, LIST, LIST]),
    "a list that is refused for another reason than the product is asked again": (
        iot_with(faults=(lost_reply, odd)), {}, "created", [CREATE, LIST, LIST]
    ),
    "a full product explains a refusal after a lost call": (
        iot_with(*NINE, "m9", faults=(lost_call, fine, odd)), {}, "rejected: limit", [CREATE, LIST, CREATE, LIST]
    ),
    "so does an unknown product": (
        FakeIot({}, deque([lost_call])), {"Tried": 5}, "rejected: product-unknown", [LIST, LIST]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_answer_or_none_leads_to_this_verdict_by_these_calls(case: str) -> None:
    iot, fields, end, calls = CASES[case]
    iot.created = "garbage"
    ended = verdict(iot, **fields)
    assert (": ".join(filter(None, (ended.status, ended.why))), iot.calls) == (end, calls)


@pytest.mark.parametrize(("policy", "status", "why"), [("keep", "existing", None), ("fail", "rejected", "exists")])
def test_what_is_there_is_told_with_where_it_differs(policy: str, status: str, why: str | None) -> None:
    iot = iot_with("MCU", alias="Old", text="old")
    result = verdict(iot, AliasName="New", OnExisting=policy)
    assert (result.status, result.why) == (status, why)
    assert {name: (d.Wanted, d.Found) for name, d in result.drift.items()} == {
        "AliasName": ("New", "Old"),
        "ModuleName": ("mcu", "MCU"),
    }
    assert iot.products[PRODUCT]["mcu"]["AliasName"] == "Old"


def test_update_changes_what_was_asked_for_and_leaves_the_rest() -> None:
    iot = iot_with("Mcu", alias="Old", text="kept")
    assert verdict(iot, AliasName="New", OnExisting="update").status == "updated"
    assert (iot.products[PRODUCT]["mcu"]["AliasName"], iot.products[PRODUCT]["mcu"]["Desc"]) == ("New", "kept")


def test_a_list_that_lags_does_not_make_a_rejection() -> None:
    iot = iot_with("mcu", faults=(odd,))
    hidden = iot.products[PRODUCT].pop("mcu")
    iot.after = lambda _action: iot.products[PRODUCT].update(mcu=hidden) if len(iot.calls) == 2 else None
    assert verdict(iot).status == "existing"


NOW = 1_000_000.0
"""What the pretended clock shows."""


def set_created(iot: FakeIot, at: float) -> FakeIot:
    iot.products[PRODUCT]["mcu"]["GmtCreate"] = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at))
    return iot


BEFORE = [(0, "created"), (19 * 60, "created"), (22 * 60, "existing"), (86_400, "existing")]
BY_ITS_CLOCK = [(0, "created"), (60, "created"), (240, "existing")]


@pytest.mark.parametrize(
    ("ago", "ahead", "before", "status"),
    [
        *((ago, None, *each) for ago in (60, 3600, 86_400) for each in BEFORE),
        *((600, ahead, *each) for ahead in (0, -3600, 3600) for each in BY_ITS_CLOCK),
    ],
)
def test_a_module_older_than_the_first_call_that_may_have_made_it_is_another_s(
    ago: int, ahead: int | None, before: int, status: str
) -> None:
    """However long ago that call was made. An answer's Date tells to minutes how far its clock is ahead of
    ours; without it, what may be its skew counts for the request."""
    iot = set_created(iot_with("mcu"), NOW + (ahead or 0) - ago - before)
    if ahead is not None:
        iot.date = formatdate(NOW + ahead, usegmt=True)
    assert verdict(iot, Tried=int(NOW - ago), Attempt=2).status == status


@pytest.mark.parametrize(("since", "status"), [(NOW - 7200, "created"), (None, "existing")])
def test_true_is_no_older_than_the_first_that_is_known_of_the_request(since: float | None, status: str) -> None:
    """Rather `existing` than a claim on what another has made."""
    iot = set_created(iot_with("mcu"), NOW - 7200)
    more = {} if since is None else {"Since": int(since)}
    assert verdict(iot, Tried=True, **more).status == status


# What failed, within so many seconds; the error's code, whether that counts, whether it was tried, after how many calls.
GIVEN_UP: dict[str, tuple[tuple[Fault, ...], float, tuple[str, bool, bool, int]]] = {
    "faults without an end are borne so often": ((lost_call,) * 99, 300.0, ("NoAnswer", True, True, 5)),
    "what failed and then ran out of time says what failed": ((busy,) * 99, 1.0, ("ServiceUnavailable", True, True, 3)),
    "a call that never left is no try": ((refused_connection,) * 99, 300.0, ("NotConnected", True, False, 5)),
    "a call that was throttled is no try": ((throttle,) * 99, 300.0, ("Throttling.User", True, False, 40)),
    "no request can succeed that is denied": ((denied,) * 99, 300.0, ("Forbidden.RAM", False, False, 1)),
    "past the deadline no call starts": ((), 0.0, ("", False, False, 0)),
    "a refusal is not believed while another call may be at work": (
        (lost_call, fine, odd), 300.0, ("iot.ota.Odd", True, True, 8)
    ),
    "lists without data never allow to reject": ((odd, *[empty] * 99), 300.0, ("iot.ota.Odd", True, False, 6)),
}  # fmt: skip


@pytest.mark.parametrize("case", GIVEN_UP)
def test_what_cannot_be_finished_is_given_up(case: str) -> None:
    faults, seconds, end = GIVEN_UP[case]
    iot, clock = iot_with(faults=faults), FakeClock()
    result = given_up(iot, clock=clock, seconds=seconds)
    assert clock.time - NOW <= seconds, "no pause goes beyond the deadline"
    assert (getattr(result.error, "code", ""), result.counts, bool(result.known.Tried), len(iot.calls)) == end


@pytest.mark.parametrize(("fault", "tried"), [("before", False), ("after", True)])
def test_a_fault_of_ours_is_a_try_only_where_a_call_may_have_left(fault: str, tried: bool) -> None:
    def bug(effect: Effect) -> Answer:
        if fault == "after":
            effect()
        raise ZeroDivisionError

    iot = iot_with(faults=(bug,))
    if fault == "before":
        iot.open = lambda _seconds: bug(iot_with)  # type: ignore[assignment, arg-type]
    result = given_up(iot)
    assert isinstance(result.error, ZeroDivisionError)
    assert (bool(result.known.Tried), result.counts) == (tried, True)


class Keeping(FakeIot):
    """An API whose update leaves alone what the call leaves out."""

    def UpdateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        fields = {name: call[name] for name in ("AliasName", "Desc") if name in call}
        self.products[PRODUCT]["mcu"].update(fields)
        return answered(Success=True)


@pytest.mark.parametrize(("kind", "status"), [(FakeIot, "updated"), (Keeping, "existing")])
def test_a_description_taken_away_is_read_back(kind: type[FakeIot], status: str) -> None:
    """What an update without one does is not documented, and `updated` must be true."""
    iot = kind({PRODUCT: {}})
    iot.add(PRODUCT, "mcu", text="Old")
    result = verdict(iot, Desc="", OnExisting="update")
    assert (result.status, "Desc" in result.drift) == (status, kind is Keeping)
    assert iot.calls.count("UpdateOTAModule") == 1


def test_what_was_seen_as_another_s_two_deliveries_ago_is_not_taken_for_our_own() -> None:
    """Its update had its effect, then a create call got lost: what is read back looks as if that call had made it."""
    iot = iot_with("mcu", alias="Theirs", faults=(fine, lost_reply, *[lost_call] * 9))
    first = given_up(iot, Tried=500, AliasName="Ours", OnExisting="update").known
    assert iot.products[PRODUCT]["mcu"]["AliasName"] == "Ours"
    iot.faults = deque([lost_call] * 9)
    second = given_up(iot, **first._asdict(), AliasName="Ours", OnExisting="update").known
    assert second.Tried == 500, "the first try is the one that counts"
    iot.faults.clear()
    assert verdict(iot, **second._asdict(), AliasName="Ours", OnExisting="update").status == "existing"


def test_what_the_deadline_cuts_counts_as_no_attempt() -> None:
    """The API may have been about to answer; that it was tried is known."""
    clock = FakeClock()
    iot = iot_with()

    def slow(_effect: Effect) -> Answer:
        clock.time += 5.0
        raise Unanswered("NoAnswer", "TimeoutError")

    iot.faults.append(slow)
    result = given_up(iot, clock=clock, seconds=5.0)
    assert (result.counts, result.known.Tried) == (False, int(NOW))


KINDS = [fine, busy, busy_after_effect, lost_call, lost_reply, refused_connection, throttle]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(KINDS), max_size=4),
    st.sampled_from(["none", "same", "other"]),
    st.sampled_from(["keep", "update", "fail"]),
)
def test_whatever_fails_the_verdict_is_true(faults: list[Fault], before: str, policy: str) -> None:
    iot = iot_with(faults=tuple(faults))
    if before != "none":
        iot.add(PRODUCT, "mcu", alias="Wanted" if before == "same" else "Other")
        iot.products[PRODUCT]["mcu"]["GmtCreate"] = "1970-01-01T00:00Z"
    result = verdict(iot, AliasName="Wanted", OnExisting=policy)
    alias = iot.products[PRODUCT]["mcu"]["AliasName"]
    truths = {
        "created": before == "none" and alias == "Wanted",
        "existing": before != "none" and (alias == "Wanted") == (not result.drift),
        "updated": before == "other" and policy == "update" and alias == "Wanted",
        "rejected": before != "none" and policy == "fail",
    }
    assert truths[result.status]
    if policy != "update":
        assert "UpdateOTAModule" not in iot.calls
