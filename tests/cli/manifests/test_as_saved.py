"""Files as spreadsheets, editors and people leave them: what is plain is read, and what is not is told with how to write it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cli.errors import UsageError
from cli.manifests.formats import Files
from cli.manifests.manifest import Manifest, load

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
WANTED = [("a1", "mcu", "模块"), ("a1", "modem", None)]


def loaded(folder: Path, name: str, raw: bytes | str, files: Files | None = None) -> Manifest:
    path = folder / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return load([str(path)], files)


def modules(manifest: Manifest) -> list[tuple[str, str, str | None]]:
    assert manifest.faults == ()
    return [(entry.request.ProductKey, entry.request.ModuleName, entry.request.AliasName) for entry in manifest.entries]


def rules(manifest: Manifest) -> list[str]:
    return [str(fault).replace(str(Path(fault.place.file).parent) + "/", "") for fault in manifest.faults]


def headed(headings: str) -> str:
    """The table with other words at its head."""
    return TABLE.replace("ProductKey,ModuleName,AliasName", headings)


def workbook(*rows: Sequence[Any], more: Sequence[Sequence[Any]] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    other = book.create_sheet("其他")
    for row in more:
        other.append(list(row))
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


SAVED = {
    "utf-8": ("f.csv", TABLE.encode()),
    "utf-8 with a mark": ("f.csv", TABLE.encode("utf-8-sig")),
    "gbk": ("f.csv", TABLE.encode("gbk")),
    "utf-16 with a mark": ("f.csv", TABLE.encode("utf-16")),
    "utf-16-le": ("f.csv", TABLE.encode("utf-16-le")),
    "utf-16-be": ("f.csv", TABLE.encode("utf-16-be")),
    "unicode text": ("f.txt", TABLE.replace(",", "\t").encode("utf-16")),
    "semicolons": ("f.csv", TABLE.replace(",", ";").encode()),
    "bars": ("f.csv", TABLE.replace(",", "|").encode()),
    "tabs": ("f.tsv", TABLE.replace(",", "\t").encode()),
    "tabs in a csv": ("f.csv", TABLE.replace(",", "\t").encode()),
    "sep=": ("f.csv", ("sep=;\r\n" + TABLE.replace(",", ";")).encode()),
    "sep=, for commas": ("f.csv", ("sep=,\n" + TABLE).encode()),
    "carriage returns": ("f.csv", TABLE.replace("\n", "\r\n").encode()),
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
    "anchors under x-": (
        "f.yml",
        "x-all: &all [{ModuleName: mcu, AliasName: 模块}, modem]\nproducts: [a1]\nmodules: *all\n".encode(),
    ),
    "workbook": ("f.xlsx", workbook(HEADINGS, ["a1", "mcu", "模块"], [], ["a1", " modem ", None])),
    "workbook with ghosts": (
        "f.xlsx",
        workbook([], ["产品", "模块名", "别名", None], ["a1", "mcu", "模块", " "], ["a1", "modem", None, None]),
    ),
    "workbook under any name": ("f.dat", workbook(HEADINGS, ["a1", "mcu", "模块"], ["a1", "modem"])),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_file_is_read_as_it_was_saved(tmp_path: Path, name: str) -> None:
    """The same two requests, whatever program wrote them down."""
    assert modules(loaded(tmp_path, *SAVED[name])) == WANTED


@pytest.mark.parametrize("name", [name for name in SAVED if "utf-16" in name or "gb" in name])
def test_an_encoding_that_was_guessed_is_told(tmp_path: Path, name: str) -> None:
    """And --encoding overrules it."""
    notes: list[str] = []
    loaded(tmp_path, *SAVED[name])
    load([str(tmp_path / SAVED[name][0])], note=notes.append)
    assert len(notes) == 1
    assert "is read as " in notes[0]


def test_an_encoding_that_is_named_is_taken(tmp_path: Path) -> None:
    """Also where another one would fit."""
    raw = "ProductKey,ModuleName,AliasName\na1,mcu,模塊\n".encode("big5")
    assert modules(loaded(tmp_path, "f.csv", raw, Files(encoding="big5"))) == [("a1", "mcu", "模塊")]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", r"f\.csv:1: is not utf-8"),
        ("klingon", "no encoding 'klingon'"),
        (None, "in none of UTF-8, UTF-16 and GB"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, encoding: str | None, words: str) -> None:
    """With what was tried."""
    with pytest.raises(UsageError, match=words):
        loaded(tmp_path, "f.csv", b"ProductKey\xff\xff\xff,\xff", Files(encoding=encoding))


NORWAY = {
    "no": "`no` is read as false: write 'no'",
    "on": "`on` is read as true: write 'on'",
    "1.10": "`1.10` is read as 1.1: write '1.10'",
    "010": "`010` is read as 8: write '010'",
    "0x1F": "`0x1F` is read as 31: write '0x1F'",
    "12:30": "`12:30` is read as 750: write '12:30'",
    "2024-01-01": "`2024-01-01` is read as \"2024-01-01\": write '2024-01-01'",
    "1_0": "`1_0` is read as 10: write '1_0'",
    "~": "`~` is read as null: write '~'",
    ".5": "`.5` is read as 0.5: write '.5'",
    ".inf": "`.inf` is read as Infinity: write '.inf'",
}


@pytest.mark.parametrize("text", NORWAY)
@pytest.mark.parametrize("form", ["products: [a1]\nmodules: [{}]\n", "- {{ProductKey: a1, ModuleName: {}}}\n"])
def test_a_name_that_yaml_takes_for_something_else_is_told_with_how_to_write_it(
    tmp_path: Path, text: str, form: str
) -> None:
    """In a list of names, and as a field."""
    [rule] = rules(loaded(tmp_path, "f.yml", form.format(text)))
    assert NORWAY[text] in rule


def test_each_name_of_a_list_has_its_own_fault(tmp_path: Path) -> None:
    """Though they stand in one line."""
    manifest = loaded(tmp_path, "f.yml", f"products: [a1]\nmodules: [{', '.join(NORWAY)}]\n")
    assert len(manifest.faults) == len(NORWAY)


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("products: [a1]\nmodules:\n- mcu\n- 2024-13-45\n", 4, "'2024-13-45' is read as a date, which cannot be"),
        ("products: [a1]\nmodules:\n- ModuleName: " + "9" * 5000, 3, "is read as a number, which cannot be"),
        ("products: [a1]\nmodules: [mcu]\ndefaults:\n  Desc: =\n", None, ""),
    ],
)
def test_a_text_that_yaml_cannot_make_anything_of_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, rule: str
) -> None:
    """A date that cannot be; a lone equals sign is the text that it is."""
    found = rules(loaded(tmp_path, "f.yml", text))
    assert [each.startswith(f"f.yml:{line}: ") and rule in each for each in found] == [True] * (line is not None)


def test_nothing_is_no_text(tmp_path: Path) -> None:
    """A lone equals sign is one."""
    text = "- {ProductKey: a1, ModuleName: mcu, AliasName: ~, Desc: =}\n- {ProductKey: a1, ModuleName: null}\n"
    manifest = loaded(tmp_path, "f.yml", text)
    assert (manifest.entries[0].request.AliasName, manifest.entries[0].request.Desc) == (None, "=")
    assert [fault.field for fault in manifest.faults] == ["ModuleName"]


def test_every_cell_that_is_no_text_is_a_fault_and_none_is_taken_for_empty(tmp_path: Path) -> None:
    """Errors, formulas that nobody has worked out, fractions, booleans; a whole number is its digits; other rows are read."""
    wrong: list[list[Any]] = [
        ["a1", "xerr", "#N/A"],
        ["a1", "xform", '=B2&"x"'],
        ["a1", 1.5, "x"],
        ["a1", True, "x"],
        ["a1", 10**15, "x"],
    ]
    manifest = loaded(tmp_path, "f.xlsx", workbook(HEADINGS, *wrong, ["a1", 12345678, "x"]))
    assert [rule.removeprefix("f.xlsx:")[:34] for rule in rules(manifest)] == [
        "2: cell C2 is an error (#N/A)",
        "3: cell C3 is a formula without a ",
        "4: cell B4 is a number (1.5), not ",
        "5: cell B5 is a boolean (True), no",
        "6: cell B6 is a number (1000000000",
    ]
    assert [entry.request.ModuleName for entry in manifest.entries] == ["12345678"]


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    """The first one where none is named; one that is not there is told with those that are."""
    raw = workbook(["ProductKey", "ModuleName"], ["a1", "mcu"], more=[["ProductKey", "ModuleName"], ["a2", "modem"]])
    assert modules(loaded(tmp_path, "f.xlsx", raw, Files(sheet="其他"))) == [("a2", "modem", None)]
    assert "has no sheet 'x'; there are Sheet, 其他" in rules(loaded(tmp_path, "f.xlsx", raw, Files(sheet="x")))[0]


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(
            st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True), st.from_regex(r"[\u4e00-\u9fa5a-z]{0,8}", fullmatch=True)
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[0],
    ),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_comes_back_from_every_way_of_saving_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str, encoding: str, ending: str
) -> None:
    """Delimiter, encoding and line ends change nothing of what a table says; a few short texts in GB18030 are UTF-8 as well."""
    lines = [delimiter.join(("ModuleName", "AliasName", "ProductKey")), *(delimiter.join((*row, "a1")) for row in rows)]
    text = ending.join(lines) + ending
    raw = text.encode(encoding)
    assume(raw.decode("utf-8", "replace") in (text, f"\ufeff{text}") or "\ufffd" in raw.decode("utf-8", "replace"))
    manifest = loaded(tmp_path_factory.mktemp("saved"), "f.csv", raw)
    found = [(entry.request.ModuleName, entry.request.AliasName or "") for entry in manifest.entries]
    counted = [row for row in rows if row[0] != "default"][:10]
    assert found == counted
