"""Texts: what is encoded is decoded, and what cannot be read says why."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.texts import LARGEST_TEXT, MOST_ELEMENTS, Flaw, decode, find_flaw, parse
from tests.support.wrapping import ENCODINGS, encode, topic, topic_xml

VALUE = {"ProductKey": "a1", "AliasName": "微控制器"}
TEXT = json.dumps(VALUE, ensure_ascii=False)


@given(st.text(max_size=40))
@example("微控制器")
def test_every_encoding_is_undone(alias: str) -> None:
    """Base64 of every alphabet too."""
    value = {"ProductKey": "a1", "AliasName": alias}
    for wrap in ENCODINGS.values():
        text = wrap(json.dumps(value, ensure_ascii=False))
        assert decode(text) == decode(text.encode()) == decode(bytearray(text.encode())) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (base64.b64encode(TEXT.encode("gbk")), "is base64 of something that is not UTF-8 (it looks like GBK)"),
        (base64.b64encode(TEXT.encode("utf-16")), "is base64 of something that is not UTF-8 (it looks like UTF-16)"),
        (base64.b64encode(b"\x1f\x8b\x08\x00\xff\xfe\xfd"), "is base64 of something that is not UTF-8"),
        (encode("hello world"), "is base64 of something that is not JSON: Expecting value at line 1 column 1"),
        (encode("{"), "is base64 of something that is not JSON: Expecting property name"),
        (encode(encode("hello world")), "is base64 of something that is base64 of something that is not JSON"),
        (TEXT.encode("gbk"), "is not UTF-8 (it looks like GBK)"),
        (TEXT.encode("utf-16"), "is not UTF-8 (it looks like UTF-16)"),
        (b"\xff\xff", "is not UTF-8"),
        (b'{"ProductKey": "\xed\xa0\x80"}', "is not UTF-8"),
        ("hello topic", "is not JSON"),
        ("ProductKey=a1", "is not JSON"),
        ("6ba7b8109dad11d180b400c04fd430c8", "is not JSON"),
        ("", "is empty"),
        ("\ufeff \n", "is empty"),
        ("[" * 200_000, "is nested too deeply"),
        ('"' + "x" * LARGEST_TEXT + '"', "is longer than"),
        ("[1] [2]", "is not JSON: Extra data"),
        (f"[1{',x' * (MOST_ELEMENTS + 1)}]", "is not JSON"),
        ("<a", "is XML that cannot be read"),
        ("<a>\ud800</a>", "is XML that cannot be read"),
        ("<html><body>503</body></html>", "is XML, but no notification of a topic"),
        ("<Request><ProductKey>a1</ProductKey></Request>", "is XML, but no notification"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><Notification><Message>&x;</Message></Notification>', "document type"),
    ],
)
def test_what_holds_no_value_says_why(body: object, words: str) -> None:
    flaw = decode(body)
    assert isinstance(flaw, Flaw)
    assert words in flaw.problem


def test_a_notification_in_xml_is_read_as_in_json_with_a_part_named_twice_as_a_flaw() -> None:
    assert decode(topic_xml("<a> & \u5fae")) == topic("<a> & \u5fae")
    assert decode("<Notification><!-- x --><Message><![CDATA[{<}]]></Message></Notification>") == {"Message": "{<}"}
    value = decode("<Notification><Message>a</Message><Message>b</Message></Notification>")
    assert str(find_flaw(value)) == "names the field 'Message' twice"


def test_a_text_that_is_a_value_stays_one_and_so_does_what_is_no_text() -> None:
    assert decode("hello", is_value=True) == decode('"hello"') == "hello"
    assert decode(TEXT, is_value=True) == VALUE
    for value in (None, 5, True, 1.5, [TEXT], {"Desc": encode(TEXT)}):
        assert decode(value) == value


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ('[1, {"a": 1, "a": 2}]', [None, "names the field 'a' twice"]),
        ("[NaN, 2]", ["is not JSON: NaN is no JSON value", None]),
        (f"[{'9' * 2_000}, 2]", ["is not JSON: a number of 2000 digits", None]),
        ("[1, nothing, 2]", [None, "is not JSON: Expecting value at line 1 column 2", None]),
        ("[1,]", [None, "is empty"]),
        ('[1, {"a": "]', [None, "is not JSON: Unterminated string starting at at line 1 column 8"]),
    ],
)
def test_the_flaw_of_an_element_is_its_own(text: str, problems: list[str | None]) -> None:
    value = parse(text)
    assert isinstance(value, list)
    assert [flaw and flaw.problem for flaw in map(find_flaw, value)] == problems
