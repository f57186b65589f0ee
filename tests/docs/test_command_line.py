"""docs/command-line.md: every command and option of the program, and no other."""

import json

import pytest

from tests.docs.command_line import COMMANDS, COMMON
from tests.docs.pages import page

ALIASES = {"replay": "dead-letters replay"}
"""Short names, which the page names where it describes the long ones."""
PAGE = page("command-line")
ACTIONS = PAGE.table("actions")
SECTIONS = {
    part.headings[0].text.removeprefix("ota-modules "): part
    for part in PAGE.sections(3)
    if part.headings[0].text.startswith("ota-modules ")
}
NAMES = sorted(COMMANDS.keys() - ALIASES)


def test_every_command_has_a_section_and_every_alias_is_named_beside_its_command() -> None:
    """And every section is about a command."""
    assert sorted(SECTIONS) == NAMES
    assert [alias for alias, name in ALIASES.items() if f"`ota-modules {alias}`" not in SECTIONS[name].text] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_section_lists_the_command_s_options_and_defaults(name: str) -> None:
    """A new option fails here until it is described; so does a default that was changed."""
    options = {name: text_of(name, value) for name, value in COMMANDS[name].items() if name not in COMMON}
    rows = [row for table in SECTIONS[name].tables if table.heading[0] == "option" for row in table.rows]
    assert {option.strip("`"): default.strip("`") for option, default, _ in rows} == options


def text_of(option: str, value: object) -> str:
    """Write a default as the page has it: nothing for a switch that is off or a value that is absent."""
    if value in (None, False, (), []):
        return ""
    if option in ("--template", "--events"):
        return str(value).rpartition("/")[2]
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_command_that_uses_an_account_has_its_permissions() -> None:
    """By its name, or its group's."""
    listed = {name.partition(" --")[0] for name in ACTIONS.names()}
    using = [name for name in NAMES if "--local" in COMMANDS[name]]
    assert [name for name in using if not {name, name.partition(" ")[0]} & listed] == []


def test_the_policy_grants_the_actions_of_the_table() -> None:
    [policy] = map(json.loads, PAGE.code("json"))
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert granted == {name for name in ACTIONS.names(1) if ":" in name}
