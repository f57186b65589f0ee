"""The documentation says what is so."""

import re
from typing import get_args

from handler.messages import ModuleRequest
from handler.outcomes import Outcome, Status
from handler.settings import Settings
from handler.web import PATHS
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading, by their first cell."""
    section = README.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name.strip("` "): row for row in cells for name in row[0].split(",")}


def test_every_setting_is_in_the_table_with_its_default() -> None:
    """None is missing, none is invented."""
    table = {name: row for name, row in rows("Settings").items() if name.startswith("OTA_")}
    assert set(table) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        shown = table[name][1].strip("`")
        if name in ("OTA_REGION", "OTA_IOT_ENDPOINT"):
            continue  # made of other settings
        expected = (
            "required"
            if field.is_required()
            else "none"
            if field.default is None
            else f"{field.default:g}".strip()
            if isinstance(field.default, float)
            else str(field.default)
        )
        assert shown == expected, name


def test_every_field_of_a_request_is_in_the_table() -> None:
    """In the contract's own words."""
    assert set(ModuleRequest.model_fields) <= set(rows("Request"))


def test_every_status_is_in_the_table() -> None:
    """And no other."""
    assert set(get_args(Status)) == {name for name in rows("Outcome") if name.islower()}


def test_every_public_field_of_an_outcome_is_named() -> None:
    """What consumers may read."""
    section = README.split("### Outcome\n", 1)[1].split("### HTTP\n", 1)[0]
    public = [name for name, field in Outcome.model_fields.items() if not field.exclude]
    assert [name for name in public if name not in section] == []


def test_every_path_is_named() -> None:
    """What the HTTP trigger answers."""
    section = README.split("### HTTP\n", 1)[1].split("### Settings\n", 1)[0]
    assert [path for path in PATHS if path not in section] == []


def test_links_lead_somewhere() -> None:
    """Files that the documentation points to are there."""
    for name in ("README.md", "CONTRIBUTING.md", "events/README.md"):
        path = ROOT / name
        links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        local = [link for link in links if "://" not in link]
        assert [link for link in local if not (path.parent / link).exists()] == [], name


def test_every_make_target_that_is_named_exists() -> None:
    """Commands can be copied."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8")))
        assert named <= targets, name


def test_no_lock_names_a_registry() -> None:
    """Whoever installs chooses the registry."""
    locks = [*(ROOT / "locks").glob("*.txt"), ROOT / "handler/requirements.txt", ROOT / "package-lock.json"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "index-url" not in text, lock.name
        assert "://" not in text.replace("https://opencollective", ""), lock.name
