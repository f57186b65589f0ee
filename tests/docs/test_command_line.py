"""docs/command-line.md: every command and option of the program, and no other."""

import json

import pytest

from cli.errors import CliError, UsageError
from tests.docs.command_line import COMMANDS, COMMON
from tests.docs.markdown import Page
from tests.docs.pages import page

ALIASES = {"replay": "dead-letters replay"}
"""Short names, which the page names where it describes the long ones."""
PAGE = page("command-line")
SECTIONS = {
    part.headings[0].text.removeprefix("ota-modules "): part
    for part in PAGE.sections(3)
    if part.headings[0].text.startswith("ota-modules ")
}


def test_every_command_has_a_section() -> None:
    """And every section is about a command."""
    assert set(SECTIONS) == set(COMMANDS) - set(ALIASES)


def test_every_alias_is_named_beside_its_command() -> None:
    """So that whoever meets one finds what it is."""
    assert [alias for alias, name in ALIASES.items() if f"`ota-modules {alias}`" not in SECTIONS[name].text] == []


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(ALIASES)))
def test_the_section_lists_the_command_s_options_and_defaults(name: str) -> None:
    """A new option fails here until it is described; so does a default that was changed."""
    options = {option: value for option, value in COMMANDS[name].items() if option not in COMMON}
    assert {option: default for option, default, _ in _rows(SECTIONS[name])} == {
        option: _shown(option, value) for option, value in options.items()
    }


def _rows(section: Page) -> list[tuple[str, str, str]]:
    rows = [row for table in section.tables if table.heading[0] in ("option", "选项") for row in table.rows]
    return [(option.strip("`"), default.strip("`"), meaning) for option, default, meaning in rows]


def _shown(option: str, value: object) -> str:
    """A default as the page has it: nothing for a switch that is off or a value that is absent."""
    if value in (None, False, ()) or value == []:
        return ""
    if option in ("--template", "--events"):
        return str(value).rpartition("/")[2]
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_common_options_are_listed_once() -> None:
    """Every one, and no other."""
    table = next(part for part in PAGE.sections(2) if part.tables and "--version" in part.text).tables[0]
    assert set(table.names()) == set(COMMON)


def test_every_exit_status_is_listed() -> None:
    """What scripts look at."""
    shown = {row[0] for table in PAGE.tables if table.heading[0] == "status" for row in table.rows}
    assert shown >= {"0", *(str(error.exit_status) for error in (CliError, UsageError))}


def test_every_command_that_uses_an_account_has_its_permissions() -> None:
    """By its name, or its group's."""
    table = next(table for table in PAGE.tables if table.heading[1] == "actions")
    named = {name.partition(" --")[0] for name in table.names()}
    using = {name for name, options in COMMANDS.items() if "--local" in options}
    assert {name for name in using - set(ALIASES) if not {name, name.partition(" ")[0]} & named} == set()


def test_the_policy_grants_the_actions_of_the_table() -> None:
    """What is to be pasted is what was explained."""
    [policy] = [json.loads(block.text) for block in PAGE.blocks if block.language == "json"]
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    table = next(table for table in PAGE.tables if table.heading[1] == "actions")
    assert granted == {name for name in table.names(1) if ":" in name}
