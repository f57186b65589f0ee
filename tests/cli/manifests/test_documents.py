"""Manifest files as rows that know their line."""

import pytest

from cli.manifests.documents import Document, DocumentError, Row
from cli.manifests.formats import format_of, read

MANIFESTS = {
    "yaml": """\
# two products
products:
  - a1
  - {ProductKey: a2}
modules:
  - mcu
""",
    "json": """\
{
  "products": [
    "a1",
    {"ProductKey": "a2"}
  ],
  "modules": ["mcu"]
}
""",
}
REQUESTS = {
    "yaml": "- {ModuleName: mcu}\n\n- {ModuleName: modem}\n",
    "json": '[{"ModuleName": "mcu"},\n\n {"ModuleName": "modem"}]',
    "jsonl": '{"ModuleName": "mcu"}\n\n{"ModuleName": "modem"}\n',
    "csv": 'ModuleName,Desc\nmcu,\n"modem",\n',
}


@pytest.mark.parametrize(("form", "lines"), [("yaml", (3, 4, 6)), ("json", (3, 4, 6))])
def test_parts_of_a_manifest_know_their_lines(form: str, lines: tuple[int, int, int]) -> None:
    """In YAML and in JSON alike."""
    found = read(MANIFESTS[form], form)  # type: ignore[arg-type]
    assert found == Document(
        products=(Row(lines[0], "a1"), Row(lines[1], {"ProductKey": "a2"})), modules=(Row(lines[2], "mcu"),)
    )


@pytest.mark.parametrize(("form", "lines"), [("yaml", (1, 3)), ("json", (1, 3)), ("jsonl", (1, 3)), ("csv", (2, 3))])
def test_plain_requests_know_their_lines(form: str, lines: tuple[int, int]) -> None:
    """An empty CSV cell is a field left out."""
    found = read(REQUESTS[form], form).requests  # type: ignore[arg-type]
    assert found == (Row(lines[0], {"ModuleName": "mcu"}), Row(lines[1], {"ModuleName": "modem"}))


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_object_without_parts_is_one_request(form: str) -> None:
    """So a single request is a manifest too."""
    assert read('{"ModuleName": "mcu"}', form).requests == (Row(1, {"ModuleName": "mcu"}),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "text", "line", "words"),
    [
        ("yaml", "- {ModuleName: mcu\n", 2, "is not YAML"),
        ("yaml", "- ModuleName: a\n  ModuleName: b\n", 2, "twice"),
        ("yaml", "products: [a]\nmodule: [b]\n", 2, "none of"),
        ("yaml", "- !!python/object:os.system {}\n", 1, "is not YAML"),
        ("json", '[\n{"a": 1,}\n]', 2, "is not JSON"),
        ("json", '{"a": 1, "a": 2}', 1, "twice"),
        ("json", '[{"a": NaN}]', 1, "NaN"),
        ("json", "[" * 100_000, 1, "is not JSON"),
        ("jsonl", '{"a": 1}\n{"a"\n', 2, "is not JSON"),
        ("csv", "a,a\n1,2\n", 1, "twice"),
        ("csv", "a,b\n1,2\n1,2,3\n", 3, "3 cells"),
        ("csv", 'a,b\n"1,2\n', 2, "is not CSV"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_its_line(
    form: str, text: str, line: int, words: str
) -> None:
    """Duplicate names too: which of the two was meant, nobody knows."""
    with pytest.raises(DocumentError) as raised:
        read(text, form)  # type: ignore[arg-type]
    assert words in raised.value.problem
    assert raised.value.line == line


@pytest.mark.parametrize(("form", "text"), [*REQUESTS.items(), *MANIFESTS.items()])
def test_the_format_is_guessed_from_the_text(form: str, text: str) -> None:
    """As it must be for standard input."""
    assert format_of("-", text) == form


def test_the_ending_counts_more_than_the_text() -> None:
    """JSON is YAML as well."""
    assert format_of("fleet.YML", "[]") == "yaml"


def test_an_empty_file_holds_nothing() -> None:
    """It is no fault of its format."""
    assert read("", "yaml") == read("", "jsonl") == read("", "csv") == Document()
