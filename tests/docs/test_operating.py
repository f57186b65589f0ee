"""docs/operating.md and docs/local-cloud.md: names that stand in the text or belong to two places."""

from typing import get_args

from deploy.log_lines import EVENTS
from emulator.faults.plan import Rule
from emulator.fc.runtime.steps import Step
from tests.docs.markdown import code_spans
from tests.docs.pages import TEMPLATE, page

LOG = page("operating").sections(2)[5]
STACK = TEMPLATE["resources"]["infra"]["props"]["template"]["Resources"]


def test_the_index_of_the_log_has_the_fields_that_are_written() -> None:
    """A field that is renamed in the function alone would be found by no search and no alert."""
    documented = {name for table in LOG.tables[1:4] for name in table.names()} - {"time"}
    [index] = [each for each in STACK["LogIndex"]["Properties"]["KeyIndices"] if each["Type"] == "json"]
    indexed = {item["Name"].partition(".")[0] for item in index["JsonKeyIndices"]}
    assert documented <= indexed <= {*documented, *EVENTS["misconfigured"].always, *EVENTS["misconfigured"].sometimes}


def test_every_step_and_field_of_a_rule_is_named() -> None:
    """What `faults set` takes."""
    assert {*get_args(Step), *Rule.model_fields} <= set(code_spans(page("local-cloud").sections(2)[-1].prose))
