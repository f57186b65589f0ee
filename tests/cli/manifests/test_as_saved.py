"""Files as spreadsheets, editors and people leave them: what is plain is read, and what is not is told with how to write it."""

import io
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from cli.errors import UsageError
from cli.manifests.formats import Files
from cli.manifests.manifest import Manifest

TABLE = "ProductKey,ModuleName,AliasName\na1,mcu,模块\na1,modem,\n"
HEADINGS = ["ProductKey", "ModuleName", "AliasName"]
LINES = '{"ProductKey":"a1","ModuleName":"mcu","AliasName":"模块"}\n{"ProductKey":"a1","ModuleName":"modem"}\n'
DOCUMENTS = """\
---
products: [a1]
modules: [{ModuleName: mcu, AliasName: 模块}]
---
- {ProductKey: a1, ModuleName: modem}
...
"""
ANCHORS = "x-all: &all [{ModuleName: mcu, AliasName: 模块}, modem]\nproducts: [a1]\nmodules: *all\n"
WANTED = [("a1", "mcu", "模块"), ("a1", "modem", None)]


def modules(manifest: Manifest) -> list[tuple[str, str, str | None]]:
    assert manifest.faults == ()
    return [(entry.request.ProductKey, entry.request.ModuleName, entry.request.AliasName) for entry in manifest.entries]


def headed(headings: str) -> str:
    """The table with other words at its head."""
    return TABLE.replace("ProductKey,ModuleName,AliasName", headings)


def workbook(*rows: Sequence[Any], more: Sequence[Sequence[Any]] = ()) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, content in (("Sheet", rows), ("其他", more)):
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(list(row))
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


SAVED = {
    **{
        f"{encoding} {name} {ends}": ("f.csv", TABLE.replace(",", delimiter).replace("\n", end).encode(encoding))
        for encoding in ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be")
        for name, delimiter in (("commas", ","), ("semicolons", ";"), ("tabs", "\t"), ("bars", "|"))
        for ends, end in (("lf", "\n"), ("crlf", "\r\n"))
    },
    "unicode text": ("f.txt", TABLE.replace(",", "\t").encode("utf-16")),
    "tabs in a tsv": ("f.tsv", TABLE.replace(",", "\t").encode()),
    "sep=": ("f.csv", ("sep=;\r\n" + TABLE.replace(",", ";")).encode()),
    "sep=, for commas": ("f.csv", ("sep=,\n" + TABLE).encode()),
    "ctrl-z": ("f.csv", TABLE.encode() + b"\x1a"),
    "ghost columns and rows": ("f.csv", TABLE.replace("\n", ",,\n").encode() + b",,,,\n  ,,,,\n\n"),
    "blank lines first": ("f.csv", b"\n\n" + TABLE.encode()),
    "blanks around cells": ("f.csv", TABLE.replace(",", " , ").encode()),
    "lower case": ("f.csv", headed("productkey,module_name,ALIASNAME").encode()),
    "chinese headings": ("f.csv", headed("产品Key,模块名称,别名").encode("gbk")),
    "quoted headings": ("f.csv", headed('"ProductKey","ModuleName","AliasName"').encode()),
    "json lines in a json": ("f.json", LINES.encode()),
    "json lines in a log": ("f.log", LINES.encode()),
    "several yaml documents": ("f.yml", DOCUMENTS.encode()),
    "anchors under x-": ("f.yml", ANCHORS.encode()),
    "workbook": ("f.xlsx", workbook(HEADINGS, ["a1", "mcu", "模块"], [], ["a1", " modem ", None])),
    "workbook with ghosts": (
        "f.xlsx",
        workbook([], ["产品", "模块名", "别名", None], ["a1", "mcu", "模块", " "], ["a1", "modem"]),
    ),
    "workbook under any name": ("f.dat", workbook(HEADINGS, ["a1", "mcu", "模块"], ["a1", "modem"])),
}


@pytest.mark.parametrize(("name", "raw"), SAVED.values(), ids=SAVED)
def test_a_file_is_read_as_it_was_saved(loaded: Any, name: str, raw: bytes) -> None:
    """The same two requests, whatever program wrote them down; an encoding that was guessed is told."""
    notes: list[str] = []
    assert modules(loaded(name, raw, note=notes.append)) == WANTED
    is_plain = raw.startswith(b"PK") or (b"\0" not in raw and "模块".encode() in raw)
    assert ["is read as " in note for note in notes] == ([] if is_plain else [True])


def test_an_encoding_that_is_named_is_taken(loaded: Any) -> None:
    """Also where another one would fit."""
    raw = "ProductKey,ModuleName,AliasName\na1,mcu,模塊\n".encode("big5")
    assert modules(loaded("f.csv", raw, Files(encoding="big5"))) == [("a1", "mcu", "模塊")]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "f.csv:1: is not utf-8"),
        ("klingon", "no encoding 'klingon'"),
        (None, "in none of UTF-8, UTF-16 and GB"),
    ],
)
def test_bytes_that_are_no_text_are_refused(loaded: Any, encoding: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        loaded("f.csv", b"ProductKey\xff\xff\xff,\xff", Files(encoding=encoding))


NORWAY = {
    "no": "false", "on": "true", "1.10": "1.1", "010": "8", "0x1F": "31", "12:30": "750", "2024-01-01": '"2024-01-01"',
    "1_0": "10", "~": "null", ".5": "0.5", ".inf": "Infinity",
}  # fmt: skip
"""Names that YAML takes for something else, and for what."""


@pytest.mark.parametrize(
    "text",
    [
        f"products: [a1]\nmodules: [{', '.join(NORWAY)}]\n",
        "".join(f"- {{ProductKey: a1, ModuleName: {text}}}\n" for text in NORWAY),
    ],
    ids=["in a list of names", "as a field"],
)
def test_a_name_that_yaml_takes_for_something_else_is_shown_as_it_must_be_written(loaded: Any, text: str) -> None:
    """Each has its own fault, though they may stand in one line."""
    rules = [fault.rule for fault in loaded("f.yml", text).faults]
    wanted = [f"`{name}` is read as {value}: write '{name}'" for name, value in NORWAY.items()]
    assert len(rules) == len(wanted)
    assert [words for words in wanted if not any(words in rule for rule in rules)] == []


def test_every_cell_that_is_no_text_is_a_fault_and_none_is_taken_for_empty(loaded: Any) -> None:
    """Errors, formulas that nobody has worked out, fractions, booleans; a whole number is its digits; other rows are read."""
    wrong = [("xerr", "#N/A"), ("xform", '=B2&"x"'), (1.5, "x"), (True, "x"), (10**15, "x")]
    rows = [["a1", *cells] for cells in [*wrong, (12345678, "x")]]
    manifest = loaded("f.xlsx", workbook(HEADINGS, *rows))
    assert [str(fault).removeprefix("f.xlsx:")[:34] for fault in manifest.faults] == [
        "2: cell C2 is an error (#N/A)",
        "3: cell C3 is a formula without a ",
        "4: cell B4 is a number (1.5), not ",
        "5: cell B5 is a boolean (True), no",
        "6: cell B6 is a number (1000000000",
    ]
    assert [entry.request.ModuleName for entry in manifest.entries] == ["12345678"]


def test_a_sheet_is_chosen_by_its_name(loaded: Any) -> None:
    """The first one where none is named; one that is not there is told with those that are."""
    raw = workbook(["ProductKey", "ModuleName"], ["a1", "mcu"], more=[["ProductKey", "ModuleName"], ["a2", "modem"]])
    assert modules(loaded("f.xlsx", raw, Files(sheet="其他"))) == [("a2", "modem", None)]
    [fault] = loaded("f.xlsx", raw, Files(sheet="x")).faults
    assert "has no sheet 'x'; there are Sheet, 其他" in fault.rule
