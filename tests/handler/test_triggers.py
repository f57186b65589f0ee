"""Triggers: every envelope is opened, and what is none is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import EnvelopeError
from handler.messages import Contents, Invalid, ModuleRequest
from handler.triggers import Delivery, deliveries
from tests.support import wrapping
from tests.support.json_values import json_values
from tests.support.wrapping import event

REQUEST = {"ProductKey": "a1", "ModuleName": "mcu", "AliasName": "微控"}
TEXT = json.dumps(REQUEST)
CODED = wrapping.encode(TEXT)


def smq(body: object = TEXT, message: str = "m1") -> dict[str, object]:
    return wrapping.smq(body, message)


ROCKET = {"topic": "T", "systemProperties": {"UNIQ_KEY": "u1", "TAGS": "t"}, "userProperties": {}, "body": TEXT}
RABBIT = {"envelope": {"deliveryTag": 98, "redeliver": False}, "body": REQUEST, "props": {"messageId": "f76"}}
WHERE = {"topic": "t", "partition": 7, "offset": 25}
KAFKA = {**WHERE, "timestamp": 1655952591589, "headers": {}, "key": "k", "value": REQUEST}
TIMER = {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "nightly", "payload": TEXT}
CONFIRMATION = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://x"}
TOPIC = wrapping.topic(TEXT)


def read_requests(sent: object) -> list[tuple[str, object]]:
    """Return ids and requests of an event, read as the pipeline reads them."""
    raw = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return [
        (delivery.id, request.model_dump(include=set(REQUEST)) if isinstance(request, ModuleRequest) else request)
        for delivery in deliveries(raw)
        for request in delivery.open().requests()
    ]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([event(smq())], "m1"),
        (event(smq()), "m1"),
        ([json.dumps(event(smq()))], "m1"),
        ([smq()], "m1"),
        (smq(), "m1"),
        (TOPIC, "2F5B"),
        ({**TOPIC, "Extend": "{}"}, "2F5B"),
        ([event(ROCKET)], "u1"),
        ([event({**ROCKET, "systemProperties": {}})], "e1"),
        ([event(RABBIT)], "f76"),
        ([event({**RABBIT, "body": TEXT, "props": {}})], "e1"),
        ([event(KAFKA)], "t-7-25"),
        (event(REQUEST), "e1"),
        (event({"props": {"firstTopic": "t"}, "body": TEXT}), "e1"),
        (TIMER, "nightly-2023-12-26T07:49:00Z"),
        ({"timestamp": 1, "requestContext": {"requestId": "r1"}, "requestPayload": TEXT, "responseContext": {}}, "r1"),
    ],
)
def test_every_envelope_is_opened(sent: object, message: str) -> None:
    assert read_requests(sent) == [(message, REQUEST)]


def test_a_message_without_an_id_gets_one_from_its_body() -> None:
    for sent in (TEXT.encode(), CODED.encode(), json.dumps({"body": TEXT, "attrs": {"k": "v"}}).encode()):
        [(first, request)] = read_requests(sent)
        assert request == REQUEST
        assert [first] == [again for again, _ in read_requests(sent)]
        assert first != read_requests(TEXT.replace("mcu", "mcv").encode())[0][0]


def flag_valid(found: list[Delivery]) -> list[list[bool]]:
    """Tell of the requests of each delivery which are valid."""
    return [[isinstance(request, ModuleRequest) for request in delivery.open().requests()] for delivery in found]


TWO = json.dumps([event(smq()), event(smq())])
SPLIT = {
    "an array is one message": (json.dumps([REQUEST, REQUEST]), [[True, True]]),
    "an empty batch": ("[]", []),
    "requests between events": (json.dumps([event(smq()), REQUEST, TEXT]), [[True], [True], [True]]),
    "cut off in an element": (TWO[:-20], [[True], [False]]),
    # Nobody knows how many elements are missing: one rejected request stands for them.
    "cut off behind an element": (TWO[:-1], [[True], [True], [False]]),
    "closed by the wrong bracket": (TWO[:-1] + "}", [[True], [True], [False]]),
    # A quote that never closes is looked at once, not once more for every quote behind it.
    "a text without an end": ('[1, "' + '\\"' * 500_000, [[False, False]]),
}


@pytest.mark.parametrize(("sent", "expected"), SPLIT.values(), ids=SPLIT)
def test_each_message_of_an_event_is_a_delivery(sent: str, expected: list[list[bool]]) -> None:
    assert flag_valid(deliveries(sent.encode())) == expected


VALUES: list[object] = [None, 5, "{broken", {}, {"foo": 1}, event(5), event({"x": 1}), [[]]]
BROKEN = {
    **{json.dumps(value): json.dumps(value).encode() for value in VALUES},
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"data": ' * 100_000 + b"1" + b"}" * 100_000,
    "a long number": b"9" * 5_000,
    "no UTF-8": b'"\xff"',
    "no JSON": b"{a: 1}",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_one_broken_element_never_hides_the_others(broken: str) -> None:
    """Even where the parser gives the whole array up; it becomes a rejected outcome of its own."""
    note = r"a \" ] and } in a text"
    first, last = (json.dumps(event(smq(message=name), note=note)).encode() for name in ("m1", "m3"))
    found = deliveries(b"[" + first + b", " + BROKEN[broken] + b" ," + last + b"]")
    assert (found[0].id, found[2].id) == ("m1", "m3")
    assert flag_valid(found) == [[True], [False], [True]]


@pytest.mark.parametrize(
    "sent", [{"events": [{"oss": {}}]}, {"Records": [], "source": "x"}, {"path": "/", "headers": {}}, {}]
)
def test_an_event_of_no_known_shape_names_what_was_seen(sent: dict[str, object]) -> None:
    with pytest.raises(EnvelopeError, match=", ".join(sent) or "an empty object"):
        deliveries(json.dumps(sent).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"productKey": "a1", "moduleName": "mcu"},
        {"product_key": "a1", "module_name": "mcu", "tags": ["x"]},
        {"foo": 1},
        {"ProductKey": "a1", "ModuleName": "mcu", "Extra": {}},
        {"Product": {"Key": "a1"}},
        {"specversion": "1.0", "ProductKey": "a1", "moduleName": "mcu"},
    ],
)
def test_what_is_meant_as_a_request_is_rejected_by_field_whatever_carries_it(wrong: dict[str, object]) -> None:
    """Nobody waits for a topic's message to be delivered again: an error would lose it."""
    text, unknown = json.dumps(wrong), [name for name in wrong if name not in ModuleRequest.model_fields]
    carriers: list[object] = [
        wrong, [wrong], [text], {**TOPIC, "Message": text}, {"body": text, "attrs": {}}, event(wrong), [event(smq(text))],
        event({**KAFKA, "value": wrong}), event(RABBIT | {"body": wrong}), [event(ROCKET | {"body": text})],
    ]  # fmt: skip
    for carrier in carriers:
        [(_, request)] = read_requests(carrier)
        assert isinstance(request, Invalid)
        assert [each.Field for each in request.problems if "not a field" in each.Problem] == unknown


EMPTY = [
    ("kafka", event({**KAFKA, "value": None})), ("kafka", [event(WHERE)]), ("timer", {**TIMER, "payload": ""}),
    ("event", event(None)), ("event", [event({})]), ("smq", event(smq(None))), ("smq-topic", {**TOPIC, "Message": None}),
    ("confirmation", CONFIRMATION), ("confirmation", [event(smq(json.dumps(CONFIRMATION)))]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "sent"), EMPTY)
def test_what_carries_no_request_is_told_and_nothing_else(source: str, sent: object) -> None:
    """A tombstone of a compacted topic asks for nothing; nor does a health check."""
    [delivery] = deliveries(json.dumps(sent).encode())
    assert delivery.open() == Contents([], [f"{source} without a body"], several=False)


@pytest.mark.parametrize(
    ("sent", "published"),
    [
        (event(smq(), time="2021-04-08T06:28:17.093Z"), 1617863297.093),
        (event(KAFKA, time="2021-04-08T06:28:17.093Z"), 0.001 * 1655952591589),
        ({**TOPIC, "PublishTime": 1550216480040}, 1550216480.04),
        ({**TOPIC, "PublishTime": "1550216480040"}, 1550216480.04),
        (event(smq(), time="yesterday"), None),
        (event(smq(), time=["9" * 30]), None),
        (smq(), None),
        (REQUEST, None),
    ],
)
def test_a_delivery_says_when_its_message_was_published(sent: object, published: float | None) -> None:
    [delivery] = deliveries(json.dumps(sent).encode())
    assert delivery.published == (published if published is None else pytest.approx(published))


@pytest.mark.parametrize("sent", [b"hello topic", b"null", b"5", b"", b"\xff\xfe", b"[" * 100_000, b'"text"', b"NaN"])
def test_what_is_no_request_at_all_is_one_invalid_message(sent: bytes) -> None:
    """An SMQ topic hands over its message as it is."""
    [(_, request)] = read_requests(sent)
    assert isinstance(request, Invalid)


def test_the_events_trace_is_the_requests() -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    [delivery] = deliveries(json.dumps(event(smq(), traceparent=trace)).encode())
    assert [request.traceparent for request in delivery.open().requests()] == [trace]


NAMES = st.sampled_from([*TOPIC, *KAFKA, *ROCKET, "data", "specversion", "id", "messageBody", "attrs"])


@given(st.binary() | json_values(NAMES).map(lambda value: json.dumps(value).encode()))
def test_no_event_does_more_than_raise_an_envelope_error(sent: bytes) -> None:
    try:
        found = deliveries(sent)
    except EnvelopeError:
        return
    assert all(0 < len(delivery.id) <= 100 for delivery in found)
    assert [delivery.id for delivery in found] == [delivery.id for delivery in deliveries(sent)]
    for delivery in found:
        contents = delivery.open()
        assert contents.parts or contents.ignored
