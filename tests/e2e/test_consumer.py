"""The consumer that docs/contract.md shows, run against the local cloud."""

import json
import subprocess
import sys

import jsonschema

from emulator.local import LocalCloud
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from tests.support.local import Outcomes, publish, send
from tests.support.paths import ROOT

CONSUMER = ROOT / "examples/consumer.py"
QUEUE = "rejected-modules"
ARN = f"acs:mns:cn-shanghai:1234567890123456:queues/{QUEUE}"


def consume(cloud: LocalCloud, secret: str = ACCESS_KEY_SECRET) -> tuple[int, str, str]:
    """Run the consumer until nothing comes: its status, output and errors."""
    command = [sys.executable, str(CONSUMER), cloud.urls.smq, ARN, "rejected", "1"]
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
    ended = subprocess.run(command, env=keys, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_consumer_is_fifteen_lines() -> None:
    """And its docstring and imports."""
    lines = CONSUMER.read_text(encoding="utf-8").splitlines()
    assert sum(bool(line) and not line.startswith(('"""', "import ", "from ")) for line in lines) == 15


def test_each_outcome_of_the_status_is_printed_once(cloud: LocalCloud, outcomes: Outcomes) -> None:
    """No other status reaches its queue, a repetition is passed over, and what was read is deleted."""
    assert consume(cloud) == (0, "", "")
    schema = json.loads((ROOT / "events/outcome.schema.json").read_text(encoding="utf-8"))
    for name in ("good", "no good"):
        send(cloud, {"ProductKey": "a1Le6d0abcd", "ModuleName": name, "Id": name})
        event = outcomes.of(name)
        jsonschema.validate(event, schema)
        publish(cloud, event)
    assert consume(cloud) == (0, f"no good {outcomes.of('no good')['data']}\n", "")
    depths = cloud.call(lambda parts: parts.smq.depths(QUEUE))
    assert (depths.active, depths.inactive) == (0, 0)


def test_the_consumer_says_what_is_wrong_and_fails(cloud: LocalCloud) -> None:
    """A wrong key, for one."""
    status, _, errors = consume(cloud, secret="other")
    assert status == 1
    assert "SignatureDoesNotMatch" in errors
