"""The role has exactly the permissions that the function uses: each one that is taken away is missed, and named."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import httpx
import pytest

from emulator.cloud import Options
from emulator.faults.plan import Rule
from emulator.local import LocalCloud, local_cloud
from emulator.ram.policy import Policy, Statement
from emulator.template.reader import load
from tests.support.local import changed_template
from tests.support.paths import ROOT
from tests.support.wrapping import queue_batch

(ROLE,) = load(ROOT / "template.yml", environ={}).roles
PERMISSIONS = [
    Statement(statement.allows, (action,), (resource,))
    for statement in ROLE.policy.statements
    for action in statement.actions
    for resource in statement.resources
]
NOT_THE_FUNCTIONS_OWN = "log:PostLogStoreLogs"
"""The platform writes the log with the function's role; the local cloud writes it without."""
NEEDED = [each for each in PERMISSIONS if each.actions[0] not in ("mns:BatchSendMessage", NOT_THE_FUNCTIONS_OWN)]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud whose functions give up after 4 seconds, so that what is unfinished is soon put back."""
    # Without its stream: the one instance of the queue function is for the test alone.
    changes = {
        "timeout: 300 ": "timeout: 4 ",
        "timeout: 60\n": "timeout: 4\n",
        "triggerEnable: true": "triggerEnable: false",
    }
    with local_cloud(Options(port=0, template=changed_template(tmp_path_factory.mktemp("short"), changes))) as cloud:
        yield cloud


class MainJob:
    """Everything that the function does, once: create, read back, update, publish, queue, put back, dead-letter."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._number = next(_numbers)
        self._product = f"a1Demo{self._number:05d}"  # each time another: a product holds ten modules

    def run(self) -> tuple[bool, str]:
        """Do the main job; return whether all of it succeeded, and what was logged meanwhile."""
        logs = self._cloud.call(lambda parts: [function.lines for function in parts.fc.functions.values()])
        for lines in logs:
            lines.clear()
        done = [self.creates_and_updates(), self.queues(), self.puts_back_and_gives_up()]
        return all(done), "\n".join(self._cloud.call(lambda _: [line for lines in logs for line in lines]))

    def creates_and_updates(self) -> bool:
        """Request a module that is new, and a change to one that exists."""
        new = {"ProductKey": self._product, "ModuleName": "new"}
        known = {"ProductKey": "a1Known0001", "ModuleName": "mcu", "Desc": f"V{self._number}", "OnExisting": "update"}
        summary = self._invoke([new, known])
        return (summary.get("created"), summary.get("updated")) == (1, 1)

    def queues(self) -> bool:
        """Send a request over HTTP that does not wait."""
        request = {"ProductKey": self._product, "ModuleName": "later"}
        url = f"{self._cloud.urls.fc}/ota-modules-http/modules"
        return httpx.post(url, json=request, headers={"Prefer": "respond-async"}, timeout=30).status_code == 202

    def puts_back_and_gives_up(self) -> bool:
        """Send requests that the API is too busy for: two may come again, the third has no attempt left."""
        slow, busy, tried = ({"ProductKey": self._product, "ModuleName": name} for name in ("slow", "busy", "tried"))
        self._cloud.call(lambda parts: parts.faults.add(Rule(service="iot", kind="status")))
        try:
            summary = self._invoke([{**slow, "Attempt": 1}, {**busy, "Attempt": 1}, {**tried, "Attempt": 10}])
        finally:
            self._cloud.call(lambda parts: parts.faults.clear())
        return (summary.get("put_back"), summary.get("failed")) == (2, 1)

    def _invoke(self, requests: Sequence[Mapping[str, object]]) -> dict[str, object]:
        result = self._cloud.wait(lambda parts: parts.fc.invoke("ota-modules-queue", queue_batch(requests)))
        return {} if result.error_type else json.loads(result.body)


def without(missing: Statement) -> Policy:
    """Return the role's policy less one permission."""
    return Policy(tuple(permission for permission in PERMISSIONS if permission != missing))


@pytest.fixture
def attach(cloud: LocalCloud) -> Iterator[Callable[[Policy], None]]:
    """Return what puts a policy in force until the test ends; then the deployed one is again."""

    def change(policy: Policy) -> None:
        cloud.call(lambda parts: parts.accounts.attach(ROLE.name, policy.permits))

    yield change
    change(ROLE.policy)


def test_with_all_permissions_the_main_job_is_done(cloud: LocalCloud) -> None:
    """Nothing that the function does is refused."""
    done, log = MainJob(cloud).run()
    assert done, log
    assert "not authorized" not in log


@pytest.mark.parametrize("missing", NEEDED, ids=lambda each: f"{each.actions[0]} {each.resources[0].partition('/')[2]}")
def test_without_a_permission_the_main_job_fails_and_names_it(
    cloud: LocalCloud, attach: Callable[[Policy], None], missing: Statement
) -> None:
    """Whoever reads the log knows what to add to the role."""
    attach(without(missing))
    done, log = MainJob(cloud).run()
    assert not done, log
    assert missing.actions[0] in log


def test_without_batches_requests_are_put_back_one_by_one(cloud: LocalCloud, attach: Callable[[Policy], None]) -> None:
    """What a role of one's own making lacks is made up for where that can be done."""
    (batch,) = [each for each in PERMISSIONS if each.actions == ("mns:BatchSendMessage",)]
    attach(without(batch))
    assert MainJob(cloud).puts_back_and_gives_up()
