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


def test_every_command_has_a_section() -> None:
    """And every section is about a command."""
    assert set(SECTIONS) == set(COMMANDS) - set(ALIASES)


def test_every_alias_is_named_beside_its_command() -> None:
    assert [alias for alias, name in ALIASES.items() if f"`ota-modules {alias}`" not in SECTIONS[name].text] == []


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(ALIASES)))
def test_the_section_lists_the_command_s_options_and_defaults(name: str) -> None:
    """A new option fails here until it is described; so does a default that was changed."""
    options = {option: value for option, value in COMMANDS[name].items() if option not in COMMON}
    rows = [row for table in SECTIONS[name].tables if table.heading[0] == "option" for row in table.rows]
    assert {option.strip("`"): default.strip("`") for option, default, _ in rows} == {
        option: _shown(option, value) for option, value in options.items()
    }


def _shown(option: str, value: object) -> str:
    """A default as the page has it: nothing for a switch that is off or a value that is absent."""
    if value in (None, False, ()) or value == []:
        return ""
    if option in ("--template", "--events"):
        return str(value).rpartition("/")[2]
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_command_that_uses_an_account_has_its_permissions() -> None:
    """By its name, or its group's."""
    named = {name.partition(" --")[0] for name in ACTIONS.names()}
    using = {name for name, options in COMMANDS.items() if "--local" in options}
    assert {name for name in using - set(ALIASES) if not {name, name.partition(" ")[0]} & named} == set()


def test_the_policy_grants_the_actions_of_the_table() -> None:
    [policy] = [json.loads(block.text) for block in PAGE.blocks if block.language == "json"]
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert granted == {name for name in ACTIONS.names(1) if ":" in name}
