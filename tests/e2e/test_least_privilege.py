"""The role has exactly the permissions that the function uses: each one that is taken away is missed, and named."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import pytest

from emulator.cloud import Options
from emulator.faults.plan import Rule
from emulator.local import LocalCloud, local_cloud
from emulator.ram.policy import Policy, Statement
from emulator.template.reader import load
from tests.support.paths import ROOT
from tests.support.policies import permissions, without

ROLE = "ota-modules"
KNOWN = "a1Known0001"


@dataclass(frozen=True)
class Told:
    """What became of the main job: everything that was wished, or not; and all that was said about it."""

    finished: bool
    said: str


def deployed_policy() -> Policy:
    """The policy of the role in template.yml."""
    (role,) = load(ROOT / "template.yml", environ={}).roles
    return role.policy


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud whose functions give up after 4 seconds, so that what is unfinished is soon put back."""
    text = (ROOT / "template.yml").read_text(encoding="utf-8")
    template = tmp_path_factory.mktemp("short") / "template.yml"
    # Without its stream: the one instance of the queue function is for the test alone.
    changes = {
        "timeout: 300 ": "timeout: 4 ",
        "timeout: 60\n": "timeout: 4\n",
        "triggerEnable: true": "triggerEnable: false",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    template.write_text(text, encoding="utf-8")
    with local_cloud(Options(port=0, template=template)) as cloud:
        yield cloud


class MainJob:
    """Everything that the function does, once: create, read back, update, publish, queue, put back, dead-letter."""

    def __init__(self, cloud: LocalCloud, number: int) -> None:
        self._cloud = cloud
        self._number = number
        self._product = f"a1Demo{number:05d}"  # each time another: a product holds ten modules

    def run(self) -> Told:
        start = self._cloud.call(lambda parts: {name: len(each.lines) for name, each in parts.fc.functions.items()})
        finished = [self.creates_and_updates(), self.queues(), self.puts_back_and_gives_up()]
        lines = self._cloud.call(
            lambda parts: [
                line for name, each in parts.fc.functions.items() for line in list(each.lines)[start[name] :]
            ]
        )
        return Told(all(finished), "\n".join(lines))

    def creates_and_updates(self) -> bool:
        """A module that is new, and one that is there and is to be changed."""
        new = {"ProductKey": self._product, "ModuleName": f"new-{self._number}"}
        known = {"ProductKey": KNOWN, "ModuleName": "mcu", "Desc": f"Version {self._number}.", "OnExisting": "update"}
        summary = self._invoke([new, known])
        return (summary.get("created"), summary.get("updated")) == (1, 1)

    def queues(self) -> bool:
        """A request over HTTP that does not wait."""
        request = {"ProductKey": self._product, "ModuleName": f"later-{self._number}"}
        url = f"{self._cloud.urls.fc}/ota-modules-http/modules"
        return httpx.post(url, json=request, headers={"Prefer": "respond-async"}, timeout=30).status_code == 202

    def puts_back_and_gives_up(self) -> bool:
        """Requests that the API is too busy for: two may come again, the last has come often enough."""
        requests = [
            {"ProductKey": self._product, "ModuleName": f"slow-{place}", "Attempt": attempt}
            for place, attempt in enumerate((1, 1, 10))
        ]
        busy = Rule(service="iot", kind="status")
        self._cloud.call(lambda parts: parts.faults.add(busy))
        try:
            summary = self._invoke(requests)
        finally:
            self._cloud.call(lambda parts: parts.faults.clear())
        return (summary.get("put_back"), summary.get("failed")) == (2, 1)

    def _invoke(self, requests: Sequence[Mapping[str, object]]) -> dict[str, object]:
        result = self._cloud.wait(lambda parts: parts.fc.invoke("ota-modules-queue", event(requests)))
        return {} if result.error_type else json.loads(result.body)


def event(requests: Sequence[Mapping[str, object]]) -> bytes:
    """What an event stream delivers for these messages."""
    elements = [
        {
            "id": f"message-{number}",
            "source": "MNS-ota-modules-queue-requests",
            "specversion": "1.0",
            "type": "mns:Queue:SendMessage",
            "datacontenttype": "application/json; charset=utf-8",
            "subject": "acs:mns:cn-shanghai:1234567890123456:queues/ota-module-requests",
            "data": {"requestId": "1", "messageId": f"message-{number}", "messageBody": json.dumps(request)},
        }
        for number, request in enumerate(requests)
    ]
    return json.dumps(elements).encode()


@pytest.fixture
def whole(cloud: LocalCloud) -> Iterator[Policy]:
    """The deployed policy, which is in force again after the test."""
    policy = deployed_policy()
    yield policy
    cloud.call(lambda parts: parts.accounts.attach(ROLE, policy.permits))


def shown(permission: Statement) -> str:
    """A permission as a test's name."""
    return f"{permission.actions[0]} {permission.resources[0].partition('/')[2]}".strip()


PERMISSIONS = permissions(deployed_policy())
NOT_THE_FUNCTIONS_OWN = "log:PostLogStoreLogs"
"""The platform writes the log with the function's role; the local cloud writes it without."""
NEEDED = [each for each in PERMISSIONS if each.actions[0] not in ("mns:BatchSendMessage", NOT_THE_FUNCTIONS_OWN)]


def test_with_all_permissions_the_main_job_is_done(cloud: LocalCloud) -> None:
    """Nothing that the function does is refused."""
    told = MainJob(cloud, 1).run()
    assert told.finished, told.said
    assert "not authorized" not in told.said


@pytest.mark.parametrize("missing", NEEDED, ids=shown)
def test_without_a_permission_the_main_job_fails_and_names_it(
    cloud: LocalCloud, whole: Policy, missing: Statement
) -> None:
    """Whoever reads the log knows what to add to the role."""
    cloud.call(lambda parts: parts.accounts.attach(ROLE, without(whole, missing).permits))
    told = MainJob(cloud, 2 + NEEDED.index(missing)).run()
    assert not told.finished, told.said
    assert missing.actions[0] in told.said


def test_without_batches_requests_are_put_back_one_by_one(cloud: LocalCloud, whole: Policy) -> None:
    """What a role of one's own making lacks is made up for where that can be done."""
    (batch,) = [each for each in PERMISSIONS if each.actions == ("mns:BatchSendMessage",)]
    cloud.call(lambda parts: parts.accounts.attach(ROLE, without(whole, batch).permits))
    assert MainJob(cloud, 2 + len(NEEDED)).puts_back_and_gives_up()
