"""Messages: what is a request, and every fault of what is none."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.messages import Invalid, ModuleRequest, read
from handler.outcomes import Outcome
from handler.problems import MOST_PROBLEMS
from tests.support.json_values import json_values

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def request(**fields: object) -> ModuleRequest | Invalid:
    """One request, valid but for the fields given."""
    [only] = read(json.dumps({"ProductKey": "a1", "ModuleName": "mcu", **fields}), "m1")
    return only


def problems(**fields: object) -> list[tuple[str, str]]:
    """The faults of such a request, by field."""
    invalid = request(**fields)
    assert isinstance(invalid, Invalid)
    return [(problem.Field, problem.Problem) for problem in invalid.problems]


@pytest.mark.parametrize(
    "fields",
    [
        {"ProductKey": "产品", "ModuleName": "A.z_0-9", "AliasName": "模块-一._A9", "Desc": "<b>&\U0001f600 a  b</b>"},
        {"ProductKey": "x" * 64, "ModuleName": "y" * 64, "AliasName": "\U00020000", "Desc": "说" * 100},
        {"ModuleName": "defaults", "Desc": "", "IotInstanceId": "iot-060a0test"},
        {"AliasName": None, "Desc": None, "IotInstanceId": None, "OnExisting": None},
        {"OnExisting": "update", "Id": "i" * 128, "CorrelationId": "ein Wort", "traceparent": TRACE},
        {"Attempt": 5.0, "Tried": True, "Updated": True, "Replay": 2.0},
        {"Tried": 1_795_694_000, "Since": 1_795_694_000.0, "Theirs": True},
    ],
)
def test_what_the_rules_allow_is_a_request(fields: dict[str, object]) -> None:
    valid = request(**fields)
    assert isinstance(valid, ModuleRequest)
    assert {name: getattr(valid, name) for name in fields} == fields


UNSEEN = " \t\n\r\x00\x7f\xa0\u1680\u2003\u3000\u200b\u2060\ufeff\u202e\xad\u034f\u115f\u2800\ufe0f\U000e0041\ufffe"
FOREIGN = ("a b", "a/b", "a\n", "mcu\u200b", "bаrcode", "mcu١", "\u212a")
AT_LEAST, AT_MOST = "at least 1 character", "at most 64 characters"
FORBIDDEN: dict[str, dict[str, tuple[object, ...]]] = {
    "ProductKey": {
        AT_LEAST: ("",), AT_MOST: ("x" * 65,), "a valid string (it is 5)": (5,), "a valid string (it is null)": (None,),
        "white space": tuple(f"a{c}b" for c in UNSEEN),
    },
    "ModuleName": {
        AT_LEAST: ("",), AT_MOST: ("x" * 65,), "English letters": FOREIGN, "built in": ("default", "DEFAULT"),
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


UNKNOWN, SPELT_OTHERWISE = (
    ("Extra", "__proto__", "模块", "constructor", ""),
    ("productKey", "Product\nKey", "ProductKey\ud800"),
)


@pytest.mark.parametrize("name", [*UNKNOWN, *SPELT_OTHERWISE])
def test_a_field_that_is_none_of_the_contracts_is_refused(name: str) -> None:
    """So that a slip in an optional field's name is not lost; producers in Java or JavaScript learn which one is meant."""
    hint = " (did you mean ProductKey?)" if name in SPELT_OTHERWISE else ""
    assert problems(**{name: "x"})[0][1] == f"is not a field of a request{hint}"


def test_many_faults_are_counted() -> None:
    faults = problems(**{f"x{n}": n for n in range(1000)})
    assert len(faults) == MOST_PROBLEMS + 1
    assert faults[-1] == ("", f"{1000 - MOST_PROBLEMS} more problems")


def test_an_invalid_request_keeps_what_could_be_read() -> None:
    invalid = request(ModuleName="a\nb", Id="own", CorrelationId="c", traceparent=TRACE, Attempt=3, AliasName=5)
    assert isinstance(invalid, Invalid)
    assert (invalid.Id, invalid.CorrelationId, invalid.traceparent, invalid.Attempt) == ("own", "c", TRACE, 3)
    assert (invalid.ProductKey, invalid.ModuleName, invalid.AliasName) == ("a1", "a\ufffdb", None)
    named = request(Id="a\nb", Attempt="x")
    assert (named.Id, named.Attempt) == ("m1", 1)


def test_a_field_named_twice_is_found_in_no_more_than_its_length() -> None:
    names = ",".join(f'"{n}":0' for n in range(100_000))
    [invalid] = read(f'{{{names},"7":1}}', "m1")
    assert isinstance(invalid, Invalid)
    assert invalid.problems[0].Problem == "names the field '7' twice"


def test_half_a_surrogate_pair_is_refused_in_every_text_and_name() -> None:
    """JSON can write it, UTF-8 cannot; the errors can be sent all the same."""
    texts = ["ProductKey", "ModuleName", "AliasName", "Desc", "Id", "CorrelationId"]
    faults = problems(**dict.fromkeys(texts, "a\ud800"), **{"a\ud800": 1})
    assert [name for name, _ in faults] == [*texts, "a\ufffd"]
    assert all(problem.encode() for _, problem in faults)


def test_a_trace_is_the_requests_own_or_the_messages() -> None:
    other = TRACE.replace("a", "c")
    bodies: list[object] = [{}, {"traceparent": TRACE}]
    assert [each.traceparent for each in read(bodies, "m1", other)] == [other, TRACE]
    assert [each.traceparent for each in read(bodies, "m1", "00-x")] == [None, TRACE]


values = json_values()
objects = st.dictionaries(st.sampled_from([*ModuleRequest.model_fields]) | st.text(max_size=5), values, max_size=8)


@given(st.binary() | st.text(st.characters()) | values | objects | st.lists(objects | values, max_size=4))
@example(b"\xef\xbb\xbf{}")
@example("[" * 990 + "]" * 990)
def test_whatever_arrives_is_read(body: object) -> None:
    requests = read(body, "m1")
    assert requests
    for each in requests:
        assert each.Id
        if isinstance(each, Invalid):
            assert each.problems
            assert Outcome.invalid(each).event("/source", 0).encode()


NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(lambda name: name.lower() != "default")
REQUESTS = st.builds(
    ModuleRequest,
    ProductKey=st.from_regex(r"[!-~]{1,64}", fullmatch=True),
    ModuleName=NAMES,
    AliasName=st.none() | st.from_regex(r"[A-Za-z0-9._\u4e00-\u9fff-]{1,64}", fullmatch=True),
    Desc=st.none() | st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=100),
    OnExisting=st.sampled_from([None, "keep", "update", "fail"]),
    Id=st.from_regex(r"[!-~]{1,128}", fullmatch=True),
    Attempt=st.integers(1, 1_000_000),
    Tried=st.booleans() | st.integers(0, 2**33),
    Theirs=st.booleans(),
)


@given(REQUESTS)
def test_a_request_survives_being_put_back(sent: ModuleRequest) -> None:
    assert read(sent.model_dump_json(exclude_none=True), "other") == [sent]
