"""The suite for those who have an account, run against the local cloud; and the local cloud, answering as a file says."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from emulator.cloud import Options
from emulator.iot.answers import AnswersError
from emulator.iot.products import Rule
from emulator.local import local_cloud
from tests.conformance.platform import PAUSE, Keys, Platform, entries, shape
from tests.conformance.questions import QUESTIONS, Session, ask_all, ask_deliveries, record

PRODUCT = "a1Conformance"
PROBE = Path(__file__).with_name("probe.yml")
SECRET = "testsecret"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's SDK sends even loopback through a proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def asked(options: Options) -> tuple[Session, dict[str, Any]]:
    """What a local cloud answers, and what it holds afterwards."""
    with local_cloud(options) as cloud:
        platform = Platform(
            "cn-shanghai", cloud.urls.iot, cloud.urls.smq, Keys("testid", SECRET), PRODUCT, sleep=lambda _: None
        )
        session = Session(platform)
        assert len(list(ask_all(session))) == len(QUESTIONS)
        left = [module for module in platform.modules() if str(module["ModuleName"]).lower() != "default"]
    return session, {"modules": left}


@pytest.fixture(scope="module")
def answered() -> Iterator[tuple[Session, dict[str, Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        yield asked(
            Options(
                port=0, seed=3, limit=1000, products=[(PRODUCT, None)], template=PROBE, packaged=True, retry_scale=0.05
            )
        )


def test_every_open_question_has_an_answer(answered: tuple[Session, dict[str, Any]]) -> None:
    """Through the vendor's own SDKs."""
    session, _ = answered
    assert session.codes.keys() == {"NameTaken", "BuiltIn", "UnknownProduct", "UnknownModule", "LimitReached"}
    assert session.codes.keys() <= set(get_args(Rule)), "a misspelt rule would be drawn in silence"
    assert all(session.codes.values())
    assert session.answers["most_custom_modules"] == 10
    assert {"list_shape", "lists_default", "null_absent", "update_clears", "partial_batch"} <= session.answers.keys()
    assert len(QUESTIONS) == len({question.__doc__ for question in QUESTIONS})


def test_the_stream_says_how_it_delivers(answered: tuple[Session, dict[str, Any]]) -> None:
    """A message comes again after each error, under the ids that it had."""
    answers = answered[0].answers
    assert (answers["redelivered_after_an_error"], len(answers["redelivery_pauses_s"])) == (True, 2)
    assert (answers["event_id_over_redelivery"], answers["message_id_over_redelivery"]) == ("same", "same")
    assert answers["start_s"] > answers["start_cpu_s"] / 4 > 0


def test_a_throttle_is_no_answer_to_any_question() -> None:
    """Others call the API at the same time: what is one too many is asked again."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds if seconds > PAUSE else 0)

    with local_cloud(Options(port=0, limit=1, products=[(PRODUCT, None)])) as cloud:
        platform = Platform("cn-shanghai", cloud.urls.iot, cloud.urls.smq, Keys("testid", SECRET), PRODUCT, sleep=sleep)
        answers = [platform.call("CreateOTAModule", ModuleName=f"m{number}") for number in range(2)]
    assert [answer.ok for answer in answers] == [True, True]
    assert len(pauses) > 2


def test_without_a_probe_the_rest_is_asked() -> None:
    """And the notes say how to deploy one."""
    with local_cloud(Options(port=0)) as cloud:
        session = Session(Platform("cn-shanghai", cloud.urls.iot, cloud.urls.smq, Keys("testid", SECRET), PRODUCT))
        ask_deliveries(session)
    assert session.answers == {}
    assert "probe.yml" in session.notes[0]


def test_what_was_made_is_taken_away_again(answered: tuple[Session, dict[str, Any]]) -> None:
    """And what could not be is noted."""
    session, left = answered
    assert left["modules"] == []
    assert session.notes == []


def test_the_record_holds_no_secret(answered: tuple[Session, dict[str, Any]]) -> None:
    """Neither key nor product: it may be shown to anybody."""
    text = json.dumps(record(answered[0], "account", "2026-01-01T00:00:00Z"))
    assert SECRET not in text
    assert PRODUCT not in text


def test_the_local_cloud_answers_as_the_file_says(tmp_path: Path) -> None:
    """Asked again, it gives the same answers back, whatever its seed draws."""
    path = tmp_path / "answers.json"
    said = {
        "list_shape": "wrapped",
        "lists_default": True,
        "null_absent": False,
        "update_clears": False,
        "codes": {"NameTaken": "iot.real.NameTaken", "LimitReached": "iot.real.Limit", "BuiltIn": "iot.real.BuiltIn"},
    }
    path.write_text(json.dumps({"answers": said}), encoding="utf-8")
    session, _ = asked(Options(port=0, seed=9, limit=1000, products=[(PRODUCT, None)], answers=path))
    assert {name: session.answers[name] for name in said if name != "codes"} == {
        name: value for name, value in said.items() if name != "codes"
    }
    assert session.codes["NameTaken"] == "iot.real.NameTaken"
    assert session.codes["LimitReached"] == "iot.real.Limit"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"answers": []}', '{"answers": {"list_shape": "heap"}}', '{"answers": {"codes": 1}}']
)
def test_a_file_without_answers_is_refused(tmp_path: Path, text: str) -> None:
    """By its name, before anything starts."""
    (tmp_path / "answers.json").write_text(text, encoding="utf-8")
    with (
        pytest.raises(AnswersError, match=r"answers\.json: "),
        local_cloud(Options(port=0, answers=tmp_path / "answers.json")),
    ):
        pass


@pytest.mark.parametrize(
    ("data", "name", "count"),
    [(None, "null", 0), ([], "array", 0), ([{"ModuleName": "a"}], "array", 1), ({"ModuleName": "a"}, "object", 1),
     ({"OtaModuleDTO": [{"ModuleName": "a"}, {"ModuleName": "b"}]}, "wrapped", 2)],
)  # fmt: skip
def test_the_shapes_of_a_list_are_told_apart(data: Any, name: str, count: int) -> None:
    """By the names that the local cloud has for them."""
    assert (shape(data), len(entries(data))) == (name, count)
