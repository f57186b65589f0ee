"""Envelopes: whatever is wrapped around a request, the same request comes out, with an id that stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.envelopes import DEEPEST, Place, open_body
from handler.messages import Invalid, ModuleRequest, read, read_body
from handler.texts import Flaw
from tests.support.wrapping import ENCODINGS, ENVELOPES, Wrap, encode, event, smq, topic, topic_xml

REQUEST = {"ProductKey": "a1", "ModuleName": "mcu", "AliasName": "微控", "Desc": "<a> & 'b' \U0001f600"}
TEXT = json.dumps(REQUEST, ensure_ascii=False)
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
QUEUED = Place("m1", is_named=True, source="smq")
UNNAMED = Place("made", is_named=False, source="bare")

encodings = st.sampled_from(sorted(ENCODINGS)).map(ENCODINGS.__getitem__)
envelopes = st.sampled_from(sorted(ENVELOPES)).map(ENVELOPES.__getitem__)
wraps = st.tuples(envelopes, encodings).map(lambda pair: lambda text: pair[1](pair[0](text)))


def wrapped(text: str, layers: list[Wrap]) -> str:
    for layer in layers:
        text = layer(text)
    return text


def opened(body: object, place: Place = QUEUED) -> list[tuple[str, object]]:
    """Ids and values, and the problem of what has none."""
    parts = open_body(body, place)
    return [(part.id, part.value.problem if isinstance(part.value, Flaw) else part.value) for part in parts]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_a_message_in_a_message_is_opened(envelope: str, encoding: str) -> None:
    text = ENCODINGS[encoding](ENVELOPES[envelope](ENCODINGS[encoding](TEXT)))
    assert opened(text) == [("m1", REQUEST)]


@given(
    st.lists(wraps, min_size=1, max_size=DEEPEST), st.lists(st.just(TEXT) | st.just(REQUEST), min_size=1, max_size=4)
)
def test_any_nesting_yields_the_same_requests(layers: list[Wrap], elements: list[object]) -> None:
    text = wrapped(json.dumps(elements), layers)
    assert opened(text) == [(f"m1/{number}", REQUEST) for number in range(1, len(elements) + 1)]


@pytest.mark.parametrize(
    ("wrap", "times"), [(ENVELOPES["an event"], DEEPEST + 1), (lambda text: json.dumps([encode(text)]), 30)]
)
def test_what_is_wrapped_too_often_is_not_opened(wrap: Wrap, times: int) -> None:
    """Nobody does that but to keep the function busy."""
    [(_, problem)] = opened(wrapped(TEXT, [wrap] * times))
    assert problem == f"is wrapped more than {DEEPEST} times"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (event(REQUEST), ["e1"]),
        (event([REQUEST, TEXT]), ["e1/1", "e1/2"]),
        ([event(REQUEST), event([REQUEST], id="e2")], ["e1", "e2/1"]),
        ([REQUEST, event(REQUEST)], ["made/1", "e1"]),
        (topic(json.dumps(event(REQUEST))), ["2F5B"]),
        (event(topic(TEXT)), ["2F5B"]),
        ({"body": json.dumps(event(REQUEST)), "attrs": {}}, ["e1"]),
        (event(REQUEST, id=" \n"), ["made"]),
        (event(REQUEST, id="x" * 101), ["made"]),
        (event(REQUEST, id=["e"]), ["made"]),
    ],
)
def test_the_outermost_id_of_a_message_wins_over_one_that_was_made(body: object, names: list[str]) -> None:
    """A message's own id is the same when it is delivered again."""
    assert [name for name, _ in opened(body, UNNAMED)] == names


@pytest.mark.parametrize(
    "text", [encode(TEXT), TEXT, json.dumps(topic(TEXT)), json.dumps(event(REQUEST)), topic_xml("x")]
)
def test_nothing_in_a_request_is_opened(text: str) -> None:
    request = {**REQUEST, "Desc": text}
    assert opened(json.dumps(request)) == [("m1", request)]


LETTER = {
    "Reason": "upstream", "Detail": "d", "Outcome": event({"Status": "failed"}),
    "Request": {**REQUEST, "Id": "own", "Attempt": 10, "Tried": True, "Theirs": True, "CorrelationId": "c"},
}  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_dead_letter_that_is_put_back_by_hand_is_a_replay(encoding: str) -> None:
    [request] = read_body(ENCODINGS[encoding](json.dumps(LETTER)), QUEUED).requests()
    assert isinstance(request, ModuleRequest)
    assert (request.Id, request.Attempt, request.Replay, request.CorrelationId) == ("own", 1, 1, "c")
    assert (request.Tried, request.Theirs) == (True, True)
    [again] = read(json.dumps({**LETTER, "Request": {**REQUEST, "Replay": 2}}), "m1")
    assert isinstance(again, ModuleRequest)
    assert again.Replay == 3


@pytest.mark.parametrize(
    "given_up", [event(smq(json.dumps([REQUEST, REQUEST]), "m0")), smq(json.dumps([REQUEST, TEXT]), "m0")]
)
def test_an_event_that_a_stream_gave_up_keeps_its_id(given_up: object) -> None:
    """Put back by hand it is another message, and its outcomes are still the same request's."""
    for body in (json.dumps(given_up), encode(json.dumps(given_up))):
        requests = read_body(body, QUEUED).requests()
        assert [(each.Id, getattr(each, "Replay", None)) for each in requests] == [("m0/1", 1), ("m0/2", 1)]


def test_the_innermost_trace_is_the_requests() -> None:
    inner, other = TRACE.replace("a", "c"), TRACE.replace("a", "d")
    text = json.dumps(
        event(json.dumps(event([REQUEST, {**REQUEST, "traceparent": other}], traceparent=inner)), traceparent=TRACE)
    )
    assert [request.traceparent for request in read(text, "m1")] == [inner, other]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"specversion":"1.0","id":"e","data":{"a":1},"data":{"b":2}}', "names the field 'data' twice"),
        ('{"TopicName":"t","Message":NaN}', "NaN is no JSON value"),
        (b"", "is empty"),
        ("null", "must be a JSON object (it is null)"),
        ('"text"', "must be a JSON object (it is 'text')"),
        (event("no JSON"), "is not JSON"),
        (event(5), "must be a JSON object (it is 5)"),
        (event([]), "the array is empty"),
        (event([[REQUEST]]), "must be a JSON object"),
        (topic("PK=a1"), "is not JSON"),
        (smq(["x"] * 2_001), "more than 2000"),
        ([[f"{number}"] for number in range(3)], "must be a JSON object"),
        ([json.dumps([1] * 1_500)] * 2, "more than 2000"),
    ],
)
def test_a_body_without_a_request_says_why(body: object, words: str) -> None:
    for request in read(body, "m1"):
        assert isinstance(request, Invalid)
        assert (request.readable, request.problems[0].Field) == (False, "")
        assert words in request.problems[0].Problem


BROKEN = {
    "a field twice": '{"Id":"o","Id":"p"}',
    "no value": "NaN",
    "no value inside": '{"ProductKey":"a1","ModuleName":"x","Attempt":[{"a":-Infinity}]}',
    "a long number": f'{{"Attempt":{"9" * 5_000}}}',
    "deep arrays": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a comma too many": '{"a":1,}',
    "no JSON": "nothing",
    "nothing": " ",
    "a text": '"text"',
    "null": "null",
    "an event without data": json.dumps(event(None)),
    "half a surrogate pair": r'"\ud800"',
    "an array": "[[]]",
    "base64 of no JSON": json.dumps(encode("{,}")),
}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("broken", BROKEN)
def test_no_neighbour_is_affected(broken: str, place: int) -> None:
    texts = [json.dumps({**REQUEST, "Id": f"own-{number}"}) for number in range(4)]
    body = ",".join([*texts[:place], BROKEN[broken], *texts[place:]])
    for wrapping in (f"[{body}]", encode(f"[{body}]"), f"[{body}"):
        valid = [request.Id for request in read(wrapping, "m1") if isinstance(request, ModuleRequest)]
        assert valid == ["own-0", "own-1", "own-2", "own-3"]


def test_an_element_with_a_fault_keeps_its_senders_id() -> None:
    text = f'[{TEXT}, {{"ProductKey":"a1","Desc":"a","Desc":"b","Id":"own"}}, {{"Id":"other","Attempt":NaN}}]'
    assert [request.Id for request in read(text, "m1")] == ["m1/1", "own", "other"]


@given(st.binary(max_size=200), encodings, st.lists(envelopes, max_size=3))
def test_whatever_is_wrapped_is_read(content: bytes, encoding: Wrap, layers: list[Wrap]) -> None:
    text = "".join(each for each in content.decode("utf-8", "replace") if each.isprintable() or each in "\n\t")
    assert opened(wrapped(encoding(text), layers))
    assert opened(content)
