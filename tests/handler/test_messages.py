"""Messages: what is a request, and every fault of what is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.envelopes import MOST_REQUESTS
from handler.messages import Invalid, ModuleKey, ModuleRequest, read
from handler.outcomes import Outcome
from handler.problems import MOST_PROBLEMS
from tests.support.json_values import json_values
from tests.support.paths import ROOT

DOCUMENTED = {
    "ProductKey": "a1Le6d0****",
    "ModuleName": "barcodeScanner",
    "AliasName": "Barcode_scanner",
    "Desc": "The firmware module of the barcode scanner.",
}
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def request(**fields: object) -> ModuleRequest | Invalid:
    """One request, valid but for the fields given."""
    [found] = read(json.dumps({"ProductKey": "a1", "ModuleName": "mcu", **fields}), "m1")
    return found


def problems(**fields: object) -> list[tuple[str, str]]:
    """Its faults, by field."""
    found = request(**fields)
    assert isinstance(found, Invalid)
    return [(problem.Field, problem.Problem) for problem in found.problems]


def why(body: object) -> str:
    """Why a body holds no request."""
    [found] = read(body, "m1")
    assert isinstance(found, Invalid)
    assert not found.readable
    [problem] = found.problems
    assert problem.Field == ""
    return problem.Problem


def test_the_documentations_sample_is_a_request() -> None:
    """Its ProductKey, masked with asterisks, included."""
    [found] = read(json.dumps(DOCUMENTED), "m1")
    assert isinstance(found, ModuleRequest)
    assert json.loads(found.to_json()) == {**DOCUMENTED, "Id": "m1"}


@pytest.mark.parametrize("body", [DOCUMENTED, json.dumps(DOCUMENTED), json.dumps(DOCUMENTED).encode(), "\ufeff{}"])
def test_a_body_is_text_bytes_or_a_value(body: object) -> None:
    """Each trigger hands over another; a byte order mark is passed over."""
    [found] = read(body, "m1")
    assert isinstance(found, Invalid if body == "\ufeff{}" else ModuleRequest)


def test_a_request_of_an_array_gets_an_id_with_its_number() -> None:
    found = read([DOCUMENTED, {**DOCUMENTED, "Id": "own"}, 5, {}], "m1")
    assert [each.Id for each in found] == ["m1/1", "own", "m1/3", "m1/4"]
    assert [isinstance(each, Invalid) for each in found] == [False, False, True, True]


@pytest.mark.parametrize(
    "fields",
    [
        {"ProductKey": "产品"},
        {"ProductKey": "x" * 64, "ModuleName": "y" * 64},
        {"ModuleName": "A.z_0-9"},
        {"ModuleName": "defaults"},
        {"AliasName": "模块-一._A9"},
        {"AliasName": "\U00020000"},
        {"AliasName": None, "Desc": None, "IotInstanceId": None, "OnExisting": None},
        {"Desc": ""},
        {"Desc": "说" * 100},
        {"Desc": "<b>&\U0001f600 a  b</b>"},
        {"IotInstanceId": "iot-060a0test"},
        {"OnExisting": "update", "Id": "i" * 128, "CorrelationId": "ein Wort", "traceparent": TRACE},
        {"Attempt": 5.0, "Tried": True, "Updated": True, "Replay": 2.0},
        {"Tried": 1_795_694_000, "Since": 1_795_694_000.0, "Theirs": True},
    ],
)
def test_what_the_rules_allow_is_a_request(fields: dict[str, object]) -> None:
    found = request(**fields)
    assert isinstance(found, ModuleRequest)
    assert {name: getattr(found, name) for name in fields} == fields


UNSEEN = " \t\n\r\x00\x7f\xa0\u1680\u2003\u3000\u200b\u2060\ufeff\u202e\xad\u034f\u115f\u2800\ufe0f\U000e0041\ufffe"
FOREIGN = ("a b", "a/b", "a\n", "mcu\u200b", "bаrcode", "mcu١", "\u212a")


AT_LEAST, AT_MOST = "at least 1 character", "at most 64 characters"
FORBIDDEN: dict[str, dict[str, tuple[object, ...]]] = {
    "ProductKey": {
        AT_LEAST: ("",), AT_MOST: ("x" * 65,), "a valid string (it is 5)": (5,), "a valid string (it is null)": (None,),
        "white space": tuple(f"a{c}b" for c in UNSEEN),
    },
    "ModuleName": {
        AT_LEAST: ("",), AT_MOST: ("x" * 65,), "English letters": FOREIGN, "built in": ("default", "DEFAULT",
        "deFault"),
    },
    "AliasName": {
        AT_LEAST: ("",), AT_MOST: ("x" * 65,), "a valid string": (["a"],),
        "Chinese": ("a b", "é", "カ", "한", "，", "a\n", "a\u200d", "\U0001f600"),
    },
    "Desc": {
        "at most 100 characters": ("x" * 101,), "a valid string": ({"a": 1},),
        "control characters": tuple(f"a{c}b" for c in "\r\n\t\x00\x85\u2028"),
    },
    "IotInstanceId": {"ASCII": ("a b",), AT_LEAST: ("",)},
    "OnExisting": {"'keep', 'update' or 'fail' (it is 'replace')": ("replace",), "'keep'": ("Keep",)},
    "Id": {
        AT_LEAST: ("",), "at most 128 characters": ("x" * 129,), r"(it is 'a\u000d\u000ab')": ("a\r\nb",),
        "a valid string": (7,),
    },
    "CorrelationId": {"at most 128 characters": ("x" * 129,)},
    "traceparent": {"W3C": ("00-0", f"00-{'0' * 32}-{'b' * 16}-01", TRACE.upper())},
    "Attempt": {"integer": (True, "1", 1.5), "greater than or equal to 1": (0,)},
    "Theirs": {"boolean": ("true", 1, 0)},
    "Updated": {"boolean": ("true", 1, 0)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "words", "value"),
    [
        (field, words, value)
        for field, rules in FORBIDDEN.items()
        for words, values in rules.items()
        for value in values
    ],
)
def test_what_a_rule_forbids_is_a_problem_of_that_field(field: str, words: str, value: object) -> None:
    [(name, problem)] = problems(**{field: value})
    assert name == field
    assert words in problem


@pytest.mark.parametrize("name", ["Extra", "__proto__", "模块", "constructor", ""])
def test_a_field_that_is_none_of_the_contracts_is_refused(name: str) -> None:
    """So that a slip in an optional field's name is not silently lost."""
    assert problems(**{name: "x"})[0][1] == "is not a field of a request"


@pytest.mark.parametrize("name", ["productKey", "Product\nKey", "ProductKey\ud800"])
def test_a_field_in_another_spelling_is_told_with_the_one_that_is_meant(name: str) -> None:
    """As producers in Java or JavaScript, spreadsheets and slips write it."""
    assert problems(**{name: "x"})[0][1] == "is not a field of a request (did you mean ProductKey?)"


def test_all_faults_of_a_request_are_told_at_once() -> None:
    [found] = read({"ModuleName": "a b", "AliasName": "", "Desc": "x" * 101, "Nme": 1, "Attempt": "1"}, "m1")
    assert isinstance(found, Invalid)
    assert {p.Field for p in found.problems} == {"ProductKey", "ModuleName", "AliasName", "Desc", "Nme", "Attempt"}
    assert [p.Problem for p in found.problems if p.Field == "ProductKey"] == ["is required"]


def test_many_faults_are_counted() -> None:
    found = problems(**{f"x{n}": n for n in range(1000)})
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == ("", f"{1000 - MOST_PROBLEMS} more problems")


def test_an_invalid_request_keeps_what_could_be_read() -> None:
    found = request(ModuleName="a\nb", Id="own", CorrelationId="c", traceparent=TRACE, Attempt=3, AliasName=5)
    assert isinstance(found, Invalid)
    assert (found.Id, found.CorrelationId, found.traceparent, found.Attempt) == ("own", "c", TRACE, 3)
    assert (found.ProductKey, found.ModuleName, found.AliasName) == ("a1", "a\ufffdb", None)


def test_an_id_that_breaks_its_rule_is_not_used() -> None:
    found = request(Id="a\nb", Attempt="x")
    assert isinstance(found, Invalid)
    assert (found.Id, found.Attempt) == ("m1", 1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        ('{"Attempt": -Infinity}', "-Infinity is no JSON value"),
        ('{"a": 1, "a": 2}', "names the field 'a' twice"),
        ('{"Attempt": ' + "9" * 5000 + "}", "is not JSON"),
        ("[]", "the array is empty"),
        ("[" + ",".join(["{}"] * (MOST_REQUESTS + 1)) + "]", f"more than {MOST_REQUESTS}"),
        ("null", "must be a JSON object (it is null)"),
        ("5", "must be a JSON object (it is 5)"),
        ('"text"', "must be a JSON object (it is 'text')"),
    ],
)
def test_a_body_without_a_request_says_why(body: object, words: str) -> None:
    assert words in why(body)


def test_a_field_named_twice_is_found_in_no_more_than_its_length() -> None:
    names = ",".join(f'"{n}":0' for n in range(100_000))
    assert why(f'{{{names},"7":1}}') == "names the field '7' twice"


@pytest.mark.parametrize("field", ["ProductKey", "ModuleName", "AliasName", "Desc", "Id", "CorrelationId"])
def test_half_a_surrogate_pair_is_refused(field: str) -> None:
    """JSON can write it, UTF-8 cannot; the error can be sent all the same."""
    [(name, problem)] = problems(**{field: "a\ud800"})
    assert name == field
    assert problem.encode()


def test_a_name_that_is_no_text_hides_no_other_fault() -> None:
    assert [name for name, _ in problems(**{"a\ud800": 1, "Id": "\ud800", "Desc": 5})] == ["Desc", "Id", "a\ufffd"]


def test_a_trace_is_the_requests_own_or_the_messages() -> None:
    other = TRACE.replace("a", "c")
    bodies: list[Any] = [DOCUMENTED, {**DOCUMENTED, "traceparent": TRACE}, {}]
    assert [each.traceparent for each in read(bodies, "m1", other)] == [other, TRACE, other]
    assert [each.traceparent for each in read(bodies, "m1", "00-x")] == [None, TRACE, None]


def test_names_that_differ_in_case_only_are_one_module() -> None:
    keys = {request(ModuleName=name).key for name in ("MCU", "mcu", "McU")}  # type: ignore[union-attr]
    assert keys == {ModuleKey(None, "a1", "mcu")}
    assert request(IotInstanceId="i").key not in keys  # type: ignore[union-attr]


def test_an_instance_is_added_where_none_is_named() -> None:
    own, none = request(IotInstanceId="own"), request()
    assert isinstance(own, ModuleRequest)
    assert isinstance(none, ModuleRequest)
    assert own.in_instance("default").IotInstanceId == "own"
    assert none.in_instance("default").IotInstanceId == "default"
    assert none.in_instance(None) is none


@pytest.mark.parametrize("path", sorted((ROOT / "events/malformed").iterdir()), ids=lambda path: path.name)
def test_every_malformed_sample_is_invalid_with_problems_that_can_be_sent(path: Path) -> None:
    for found in read(path.read_bytes(), "m1"):
        assert isinstance(found, Invalid)
        assert found.problems
        assert all(len(each.Problem.encode()) < 2_000 for each in found.problems)


values = json_values()
objects = st.dictionaries(st.sampled_from([*ModuleRequest.model_fields]) | st.text(max_size=5), values, max_size=8)


@given(st.binary() | st.text(st.characters()) | values | objects | st.lists(objects | values, max_size=4))
@example(b"\xef\xbb\xbf{}")
@example("[" * 990 + "]" * 990)
def test_whatever_arrives_is_read(body: object) -> None:
    found = read(body, "m1")
    assert found
    for each in found:
        assert each.Id
        if isinstance(each, Invalid):
            assert each.problems
            assert Outcome.invalid(each).event("/source", 0).encode()


@given(
    st.builds(
        ModuleRequest,
        ProductKey=st.from_regex(r"[!-~]{1,64}", fullmatch=True),
        ModuleName=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(
            lambda name: name.lower() != "default"
        ),
        AliasName=st.none() | st.from_regex(r"[A-Za-z0-9._\u4e00-\u9fff-]{1,64}", fullmatch=True),
        Desc=st.none() | st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=100),
        OnExisting=st.none() | st.sampled_from(["keep", "update", "fail"]),
        Id=st.from_regex(r"[!-~]{1,128}", fullmatch=True),
        Attempt=st.integers(1, 1_000_000),
        Tried=st.booleans() | st.integers(0, 2**33),
        Theirs=st.booleans(),
    )
)
def test_a_request_survives_being_put_back(sent: ModuleRequest) -> None:
    assert read(sent.model_dump_json(exclude_none=True), "other") == [sent]
