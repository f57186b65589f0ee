"""The consumer that docs/contract.md shows, run against the local cloud."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest
from mns.account import Account
from mns.queue import Message
from mns.topic import Base64TopicMessage

from emulator.local import LocalCloud
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from tests.support.local import Outcomes
from tests.support.paths import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mns")
CONSUMER = ROOT / "examples/consumer.py"
QUEUE = "rejected-modules"
ARN = f"acs:mns:cn-shanghai:1234567890123456:queues/{QUEUE}"


def consume(endpoint: str, secret: str = ACCESS_KEY_SECRET) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CONSUMER), endpoint, ARN, "rejected", "1"]
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
    return subprocess.run(command, env=keys, capture_output=True, text=True, timeout=60, check=False)


def code(path: Path) -> Sequence[str]:
    """Its lines that are neither blank, nor the docstring, nor imports."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(('"""', "import ", "from "))]


def test_the_consumer_is_fifteen_lines() -> None:
    """And its imports."""
    assert len(code(CONSUMER)) == 15


@pytest.fixture(scope="module")
def consumed(local: LocalCloud, outcomes: Outcomes) -> Sequence[subprocess.CompletedProcess[str]]:
    """The consumer before anything was sent, and after one outcome of each of two statuses came twice."""
    before = consume(local.urls.smq)
    account = Account(local.urls.smq, ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    for name in ("good", "no good"):
        request = {"ProductKey": "a1Le6d0abcd", "ModuleName": name, "Id": name}
        account.get_queue("ota-module-requests").send_message(Message(json.dumps(request)))
    for event in (outcomes.of("good"), outcomes.of("no good")):
        again = Base64TopicMessage(json.dumps(event), event["data"]["Status"])
        account.get_topic("ota-module-results").publish_message(again)
    account.get_client().close_connection()
    return before, consume(local.urls.smq)


def test_the_consumer_ends_when_nothing_comes(consumed: Sequence[subprocess.CompletedProcess[str]]) -> None:
    """In good order, and without a word."""
    assert (consumed[0].returncode, consumed[0].stdout, consumed[0].stderr) == (0, "", "")


def test_each_outcome_of_the_status_is_printed_once(
    consumed: Sequence[subprocess.CompletedProcess[str]], local: LocalCloud, outcomes: Outcomes
) -> None:
    """No other status reaches its queue, a repetition is passed over, and nothing is left in the queue."""
    expected = f"no good {dict(outcomes.of('no good')['data'])}\n"
    assert (consumed[1].returncode, consumed[1].stdout, consumed[1].stderr) == (0, expected, "")
    depths = local.call(lambda cloud: cloud.smq.depths(QUEUE))
    assert (depths.active, depths.inactive) == (0, 0)


@pytest.mark.parametrize("name", ["good", "no good"])
def test_a_published_outcome_keeps_the_published_schema(
    consumed: Sequence[subprocess.CompletedProcess[str]], outcomes: Outcomes, name: str
) -> None:
    """As it came out of the queue."""
    schema = json.loads((ROOT / "events/outcome.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(dict(outcomes.of(name)), schema)


def test_the_consumer_says_what_is_wrong_and_fails(local: LocalCloud) -> None:
    """A wrong key, for one."""
    ended = consume(local.urls.smq, secret="other")
    assert ended.returncode == 1
    assert "SignatureDoesNotMatch" in ended.stderr
