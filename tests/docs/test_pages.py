"""Pages: what they point to exists, and what they tell to type can be typed."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.command_line import COMMANDS, COMMON
from tests.docs.pages import DOCS, EVERY, MAKEFILE, README, Page, name_of
from tests.support.paths import ROOT

LONGEST_README = 180
pages = pytest.mark.parametrize("path", sorted(EVERY), ids=name_of)


@pages
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    """A renamed heading fails here, and so does a picture that is not there."""
    for link in Page.read(path).links:
        if "://" not in link:
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            assert not anchor or anchor in Page.read(target).anchors, link


@pages
def test_every_make_target_exists_and_no_machine_or_registry_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert not re.search(r"pypi\.|npmjs|/pypi/simple|npmmirror|/home/|/tmp/|/root/", text)


@pages
def test_every_ota_modules_command_exists_with_its_options(path: Path) -> None:
    """In blocks of code and between backticks."""
    page = Page.read(path)
    shown = [*page.commands, *re.findall(r"`(ota-modules [a-z][^`]*)`", page.prose)]
    assert [command for command in shown if command.startswith("ota-modules ") and not is_known(command)] == []


def is_known(command: str) -> bool:
    """Tell whether a command exists, or the group that is named alone."""
    words = shlex.split(command.partition("   ")[0])[1:]
    if words[0].startswith("--"):
        return words[0] in COMMON
    for name, options in COMMANDS.items():
        if " ".join(words[: name.count(" ") + 1]) == name:
            return {word.partition("=")[0] for word in words if word.startswith("--")} <= {*options, *COMMON}
    return any(name.startswith(f"{words[0]} ") for name in COMMANDS)


def test_the_front_page_is_short_and_leads_to_every_page() -> None:
    for readme in ROOT.glob("README*.md"):
        assert len(readme.read_text(encoding="utf-8").splitlines()) <= LONGEST_README, readme.name
    assert {f"docs/{path.name}" for path in DOCS.glob("*.md")} <= {link.partition("#")[0] for link in README.links}


def test_no_lock_names_a_registry() -> None:
    """Whoever installs chooses the registry; npm's hashes decide."""
    locks = [*(ROOT / "locks").glob("*.txt"), ROOT / "handler/requirements.txt", ROOT / "package-lock.json"]
    for lock in locks:
        text = re.sub(r"https://(opencollective|github\.com/sponsors)", "", lock.read_text(encoding="utf-8"))
        assert not re.search("index-url|://", text), lock.name
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(item["integrity"].startswith("sha512-") for name, item in packages.items() if name)
