"""docs/local-cloud.md: every fault that can be injected."""

from typing import get_args

from emulator.faults.plan import KINDS, Rule
from emulator.fc.runtime.steps import Step
from tests.docs.markdown import code_spans
from tests.docs.pages import page

FAULTS = page("local-cloud").sections(2)[-1]


def test_every_kind_of_fault_is_in_the_table() -> None:
    """And no other."""
    assert sorted(FAULTS.tables[1].names()) == sorted(KINDS)


def test_every_kind_is_listed_with_its_services() -> None:
    """Elsewhere it would be refused."""
    shown = {
        name: {service.strip() for service in row[1].split(",")}
        for row in FAULTS.tables[1].rows
        for name in code_spans(row[0])
    }
    assert shown == {name: set(kind.services) for name, kind in KINDS.items()}


def test_every_step_and_field_of_a_rule_is_named() -> None:
    """What `faults set` takes."""
    named = set(code_spans(FAULTS.prose))
    assert {*get_args(Step), *Rule.model_fields} <= named
