"""Attempts: when a request is given up, and how."""

import pytest

from tests.support.fake_iot import busy, denied
from tests.support.pipeline_world import wanted, world

DAY = 86_400
NOW = 1_000_000
"""What the pretended clock shows."""


def test_what_never_comes_right_is_given_up_after_its_time() -> None:
    here = world(*[denied] * 99)
    here.run(wanted(Id="young", Since=NOW - DAY + 60), wanted("m2", Id="old", Since=NOW - DAY))
    assert here.said() == {"old": "failed"}
    [letter] = here.box.dead
    assert (letter["Reason"], letter["Request"]["Id"]) == ("misconfigured", "old")
    assert "for 86400 s" in letter["Detail"]
    assert here.box.published[0]["data"]["Code"] == "Forbidden.RAM"
    assert [back["Id"] for back in here.back()] == ["young"]


def test_age_alone_ends_nothing_that_can_be_finished() -> None:
    here = world()
    here.run(wanted(Since=1))
    assert here.statuses() == ["created"]
    here = world(*[busy] * 99)
    here.run(wanted(Since=1))
    assert (here.statuses(), here.back()[0]["Attempt"]) == ([], 2)


def test_an_outcome_carries_the_apis_words_where_they_decided() -> None:
    """A refusal that was read back and explained is no fault of the outcome."""
    here = world()
    here.iot.add("a1", "mcu", *(f"m{n}" for n in range(9)), alias="Theirs")
    here.run(wanted(Id="r1", AliasName="Ours"), wanted("more", Id="r2"))
    there, full = (event["data"] for event in here.box.published)
    assert there == {
        **wanted(AliasName="Ours"), "Status": "existing", "Attempts": 1,
        "Drift": {"AliasName": {"Wanted": "Ours", "Found": "Theirs"}},
    }  # fmt: skip
    assert (full["Code"], full["ErrorMessage"], full["RequestId"]) == ("iot.some.Code", "no", "R")


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_topic_never_takes_is_given_up_where_a_letter_is_kept(kept: bool) -> None:
    """Without a dead-letter queue it would be lost, and so it comes again."""
    here = world(OTA_DEAD_LETTER_QUEUE="dead" if kept else None)
    here.box.publish_fails = lambda _event: True
    report = here.run(wanted(Since=1))
    assert (report.summary()["failed"], len(here.back())) == ((1, 0) if kept else (0, 1))
    assert [letter["Reason"] for letter in here.box.dead] == (["sink"] if kept else [])


def test_nobody_is_given_up_for_the_age_of_the_one_before() -> None:
    here = world(*[busy] * 99)
    here.run(wanted(Id="A"), wanted(Id="B", Since=1))
    assert (here.statuses(), [back["Id"] for back in here.back()[0]]) == ([], ["A", "B"])
    assert here.log("request")[1]["detail"] == "A is for the same module, and comes first"


def test_a_dead_letter_that_is_not_taken_gives_nothing_up() -> None:
    here = world(*[busy] * 99, OTA_DEAD_LETTER_QUEUE="full")
    here.box.back_fails = lambda letter: "Reason" in letter.body
    here.run(wanted(Attempt=3))
    assert (here.statuses(), here.back()[0]["Attempt"]) == ([], 3)


def test_a_fault_of_ours_ends_with_the_last_attempt() -> None:
    here = world()
    here.box.publish_fails = lambda event: event["data"]["Status"] != "failed" and 1 // 0 > 0
    for attempt in (1, 2, 3):
        assert here.statuses() == []
        here.run(wanted(Attempt=attempt))
    assert here.statuses() == ["failed"]
    assert (here.box.dead[0]["Reason"], here.box.dead[0]["Detail"]) == ("fault", "ZeroDivisionError")
    assert len(here.log("internal_error")) == 3
