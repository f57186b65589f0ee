"""Pages: what they point to exists, and what they tell to type can be typed."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.command_line import COMMANDS, COMMON
from tests.docs.markdown import Page
from tests.docs.pages import DOCS, MAKEFILE, README, every, name_of
from tests.support.paths import ROOT

LONGEST_README = 180
pages = pytest.mark.parametrize("path", every(), ids=name_of)


@pages
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    """A renamed heading fails here, and so does a picture that is not there."""
    page = Page.read(path)
    local = [link.partition("#") for link in page.links if "://" not in link]
    missing = [target for target, _, _ in local if target and not (path.parent / target).exists()]
    assert missing == []
    assert [
        f"{target}#{anchor}"
        for target, _, anchor in local
        if anchor and anchor not in Page.read((path.parent / target) if target else path).anchors
    ] == []


@pages
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)) <= targets


@pages
def test_every_ota_modules_command_exists_with_its_options(path: Path) -> None:
    """In blocks of code and between backticks."""
    page = Page.read(path)
    shown = [*page.commands, *re.findall(r"`(ota-modules [a-z][^`]*)`", page.prose)]
    assert [command for command in shown if command.startswith("ota-modules ") and not _is_known(command)] == []


def _is_known(command: str) -> bool:
    words = shlex.split(command.partition("   ")[0])[1:]
    if words[0].startswith("--"):
        return words[0] in COMMON
    name = next((known for known in COMMANDS if " ".join(words[: known.count(" ") + 1]) == known), None)
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return (
        words[0] in {known.split()[0] for known in COMMANDS} if name is None else options <= {*COMMANDS[name], *COMMON}
    )


@pages
def test_no_page_names_a_machine_or_a_registry(path: Path) -> None:
    assert not re.search(r"pypi\.|npmjs|/pypi/simple|npmmirror|/home/|/tmp/|/root/", path.read_text(encoding="utf-8"))


def test_the_front_page_is_short() -> None:
    for readme in ROOT.glob("README*.md"):
        assert len(readme.read_text(encoding="utf-8").splitlines()) <= LONGEST_README, readme.name


def test_the_front_page_leads_to_every_page() -> None:
    assert {f"docs/{path.name}" for path in DOCS.glob("*.md")} <= {link.partition("#")[0] for link in README.links}


def test_no_lock_names_a_registry() -> None:
    """Whoever installs chooses the registry; npm's hashes decide."""
    locks = [*(ROOT / "locks").glob("*.txt"), ROOT / "handler/requirements.txt", ROOT / "package-lock.json"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "index-url" not in text, lock.name
        for funding in ("https://opencollective", "https://github.com/sponsors"):
            text = text.replace(funding, "")
        assert "://" not in text, lock.name
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(item["integrity"].startswith("sha512-") for name, item in packages.items() if name)
