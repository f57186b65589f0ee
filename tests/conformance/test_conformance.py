"""The suite for those who have an account, run against the local cloud; and the local cloud, answering as a file says."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from emulator.iot.answers import AnswersError
from emulator.iot.products import Rule
from tests.conformance.platform import LOCAL_PRODUCT, LOCAL_SECRET, PAUSE, entries, local_platform, shape
from tests.conformance.questions import QUESTIONS, Session, ask_all, record
from tests.support.command import DEAD_PROXIES

PROBE = Path(__file__).with_name("probe.yml")


@pytest.fixture(scope="module", autouse=True)
def no_proxies() -> Iterator[None]:
    """The vendor's SDK sends even loopback through a proxy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in DEAD_PROXIES:
            patch.delenv(name, raising=False)
        yield


def asked(**options: Any) -> Session:
    """Ask a local cloud. What was made is taken away again, and what could not be would be noted."""
    with local_platform(limit=1000, **options) as platform:
        session = Session(platform)
        assert len(list(ask_all(session))) == len(QUESTIONS)
        assert platform.modules() == []
    return session


def test_every_open_question_has_an_answer() -> None:
    """Through the vendor's own SDKs. What is recorded has neither key nor product: it may be shown to anybody."""
    answered = asked(seed=3, template=PROBE, packaged=True, retry_scale=0.05)
    answers = answered.answers
    assert answered.codes.keys() == {"NameTaken", "BuiltIn", "UnknownProduct", "UnknownModule", "LimitReached"}
    assert answered.codes.keys() <= set(get_args(Rule)), "a misspelt rule would be drawn in silence"
    assert all(answered.codes.values())
    assert answers["most_custom_modules"] == 10
    assert {"list_shape", "lists_default", "null_absent", "update_clears", "partial_batch"} <= answers.keys()
    assert len(QUESTIONS) == len({question.__doc__ for question in QUESTIONS})
    assert answered.notes == []
    text = json.dumps(record(answered, "account", "2026-01-01T00:00:00Z"))
    assert LOCAL_SECRET not in text
    assert LOCAL_PRODUCT not in text
    # A message comes again after each error, under the ids that it had.
    assert (answers["redelivered_after_an_error"], len(answers["redelivery_pauses_s"])) == (True, 2)
    assert (answers["event_id_over_redelivery"], answers["message_id_over_redelivery"]) == ("same", "same")
    assert answers["start_s"] > answers["start_cpu_s"] / 4 > 0


def test_a_throttle_is_no_answer_to_any_question() -> None:
    """Others call the API at the same time: what is one too many is asked again."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds if seconds > PAUSE else 0)

    with local_platform(limit=1) as platform:
        patient = replace(platform, sleep=sleep)
        assert all(patient.call("CreateOTAModule", ModuleName=f"m{number}").ok for number in range(2))
    assert len(pauses) > 2


def test_the_local_cloud_answers_as_the_file_says(tmp_path: Path) -> None:
    """Asked again, it gives the same answers back, whatever its seed draws. Without a probe the notes say how to deploy one."""
    path = tmp_path / "answers.json"
    known = {"list_shape": "wrapped", "lists_default": True, "null_absent": False, "update_clears": False}
    codes = {"NameTaken": "iot.real.NameTaken", "LimitReached": "iot.real.Limit"}
    path.write_text(json.dumps({"answers": {**known, "codes": codes}}), encoding="utf-8")
    session = asked(seed=9, answers=path)
    assert session.answers.items() >= known.items()
    assert session.codes.items() >= codes.items()
    assert not any(name.startswith("redeliver") for name in session.answers)
    assert "probe.yml" in session.notes[0]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"answers": []}', '{"answers": {"list_shape": "heap"}}', '{"answers": {"codes": 1}}']
)
def test_a_file_without_answers_is_refused(tmp_path: Path, text: str) -> None:
    """By its name, before anything starts."""
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnswersError, match=r"answers\.json: "), local_platform(answers=path):
        pass


@pytest.mark.parametrize(
    ("data", "name", "count"),
    [(None, "null", 0), ([], "array", 0), ([{"ModuleName": "a"}], "array", 1), ({"ModuleName": "a"}, "object", 1),
     ({"OtaModuleDTO": [{"ModuleName": "a"}, {"ModuleName": "b"}]}, "wrapped", 2)],
)  # fmt: skip
def test_the_shapes_of_a_list_are_told_apart(data: Any, name: str, count: int) -> None:
    assert (shape(data), len(entries(data))) == (name, count)
