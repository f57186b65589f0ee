"""Manifest files as rows that know their line."""

import pytest

from cli.manifests.documents import Document, Row
from cli.manifests.faults import Place, Unreadable
from cli.manifests.formats import Format, Source, format_of
from cli.manifests.formats import read as read_file

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
    "csv": 'ProductKey,ModuleName,Desc\na1,mcu,\na1,"modem",\n',
}


def read(text: str, form: Format) -> list[Document]:
    return read_file(text.encode(), "m", Source(form))


@pytest.mark.parametrize(
    ("form", "places"),
    [("yaml", ((3, ""), (4, ""), (6, ""))), ("json", ((1, "products[0]"), (1, "products[1]"), (1, "modules[0]")))],
)
def test_parts_of_a_manifest_know_their_places(form: Format, places: tuple[tuple[int, str], ...]) -> None:
    """Lines in YAML, paths in JSON."""
    first, second, module = places
    assert read(MANIFESTS[form], form) == [
        Document(
            products=(Row(Place("m", *first), "a1"), Row(Place("m", *second), {"ProductKey": "a2"})),
            modules=(Row(Place("m", *module), "mcu"),),
        )
    ]


@pytest.mark.parametrize(
    ("form", "places"),
    [
        ("yaml", ((1, ""), (3, ""))),
        ("json", ((1, "[0]"), (1, "[1]"))),
        ("jsonl", ((1, ""), (3, ""))),
        ("csv", ((2, ""), (3, ""))),
    ],
)
def test_plain_requests_know_their_places(form: Format, places: tuple[tuple[int, str], ...]) -> None:
    """An empty CSV cell is a field left out."""
    key = {"ProductKey": "a1"} if form == "csv" else {}
    [document] = read(REQUESTS[form], form)
    assert document.requests == tuple(
        Row(Place("m", *place), {**key, "ModuleName": name})
        for place, name in zip(places, ("mcu", "modem"), strict=True)
    )


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_object_without_parts_is_one_request(form: Format) -> None:
    """So a single request is a manifest too."""
    [document] = read('{"ModuleName": "mcu"}', form)
    assert document.requests == (Row(Place("m", 1), {"ModuleName": "mcu"}),)


@pytest.mark.parametrize(
    ("form", "text", "line", "words"),
    [
        ("yaml", "- {ModuleName: mcu\n", 2, "is not YAML"),
        ("yaml", "- ModuleName: a\n  ModuleName: b\n", 2, "twice"),
        (
            "yaml",
            "products: [a]\nmodule: [b]\n",
            2,
            "unknown key 'module'; expected defaults, products, modules, overrides, requests (did you mean 'modules'?)",
        ),
        ("yaml", "- !!python/object:os.system {}\n", 1, "is not YAML"),
        ("json", '[\n{"a": 1,}\n]', 2, "is not JSON"),
        ("json", '{"a": 1, "a": 2}', 1, "twice"),
        ("json", '[{"a": NaN}]', 1, "NaN"),
        ("json", "[" * 100_000, 1, "is not JSON"),
        ("jsonl", '{"a": 1}\n{"a"\n', 2, "is not JSON"),
        ("csv", "ProductKey,product_key,ModuleName\n1,2,3\n", 1, "the column ProductKey is there twice"),
        ("csv", "ProductKey,ModuleName\na1,m\na1,m,x\n", 3, "cell 3 ('x') has no heading above it"),
        ("csv", 'ProductKey,ModuleName\n"a1,m\n', 2, "is not CSV"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_its_line(
    form: Format, text: str, line: int, words: str
) -> None:
    """Duplicate names too: which of the two was meant, nobody knows."""
    with pytest.raises(Unreadable) as raised:
        read(text, form)
    assert words in raised.value.fault.rule
    assert raised.value.fault.place.line == line


@pytest.mark.parametrize(("form", "text"), [*REQUESTS.items(), *MANIFESTS.items()])
def test_the_format_is_guessed_from_the_text(form: str, text: str) -> None:
    """As it must be for standard input."""
    assert format_of("-", text) == form


def test_the_ending_counts_more_than_the_text() -> None:
    """JSON is YAML as well."""
    assert format_of("fleet.YML", "[]") == "yaml"


def test_an_empty_file_holds_nothing() -> None:
    """It is no fault of its format."""
    assert read("", "jsonl") == read("", "csv") == [Document()]
    assert read("", "yaml") == []
