"""An instance that lives long: nothing of one invocation shows in the next, nothing grows, and a pause does no harm."""

import json
import signal
from collections.abc import Sequence
from functools import partial

import psutil
import pytest

from emulator.cloud import Cloud
from emulator.faults.plan import Plan
from emulator.iot.products import Module
from emulator.local import LocalCloud
from emulator.records import Arrival, Published
from tests.e2e.evidence import read
from tests.e2e.scenario import Scenario, check

FUNCTION = "ota-modules-queue"
INVOCATIONS = 500
WARM = 100
"""Invocations until caches and pools have their size."""
MAY_GROW = 2 * 1024 * 1024
"""Bytes: an allocator's noise; 400 invocations that left five kilobytes each would be all of it."""

MAY_START = 4
"""Threads, each with a connection to the API and one to SMQ: a task that is late has another thread stand by, and it stays."""


def pid(cloud: LocalCloud) -> int:
    """Of the one instance of the function."""
    pids = cloud.call(lambda parts: [each.pid for each in parts.fc.instances if each.config.name == FUNCTION])
    assert len(pids) == 1
    assert pids[0]
    return pids[0]


def invoke(cloud: LocalCloud, requests: Sequence[dict[str, str]]) -> list[dict[str, object]]:
    """Call the function; the outcomes that were published meanwhile."""

    async def call(parts: Cloud) -> list[dict[str, object]]:
        start = len(parts.records.events)
        result = await parts.fc.invoke(FUNCTION, json.dumps(requests).encode())
        assert result.error_type is None, result.body
        return [read(event.body) for event in parts.records.events[start:] if isinstance(event, Published)]

    return cloud.wait(call)


def test_five_hundred_invocations_leave_nothing_behind(scenario: Scenario) -> None:
    """Each has its own outcomes and no other's; memory, threads and descriptors do not grow with their number."""
    product = scenario.product(Module("mcu", alias="Main_MCU"))
    invoke(scenario.cloud, [{"ProductKey": product, "ModuleName": "mcu"}])
    process = psutil.Process(pid(scenario.cloud))
    for number in range(INVOCATIONS):
        own = {"ProductKey": product, "ModuleName": "mcu", "Id": f"good-{number}", "CorrelationId": f"c-{number}"}
        bad = {"ProductKey": product, "ModuleName": f"no {number}", "Id": f"bad-{number}"}
        outcomes = {str(outcome["causationid"]): outcome for outcome in invoke(scenario.cloud, [own, bad])}
        assert outcomes.keys() == {f"good-{number}", f"bad-{number}"}
        assert outcomes[f"good-{number}"]["correlationid"] == f"c-{number}"
        assert "correlationid" not in outcomes[f"bad-{number}"]
        if number == WARM:
            memory, threads, descriptors = sizes(process)
    assert pid(scenario.cloud) == process.pid
    assert sizes(process)[0] - memory < MAY_GROW
    assert sizes(process)[1] - threads <= MAY_START
    assert sizes(process)[2] - descriptors <= 2 * MAY_START


def sizes(process: psutil.Process) -> tuple[int, int, int]:
    """Memory, threads and descriptors of an instance."""
    return process.memory_info().rss, process.num_threads(), process.num_fds()


def refuse(service: str, parts: Cloud) -> None:
    """Reset a service's connections, and refuse new ones for a while."""
    parts.network.refuse(service, 2.0)


@pytest.mark.quiet
@pytest.mark.parametrize("scenario", [{"limit": 10, "variables": {"OTA_QPS": "6"}}], indirect=True)
def test_a_frozen_instance_thaws_without_a_burst_and_reconnects(scenario: Scenario) -> None:
    """Its connections are gone meanwhile, and the time it stood still earns it no calls."""
    warm = invoke(scenario.cloud, [{"ProductKey": scenario.product(), "ModuleName": "warm"}])
    assert [outcome["type"] for outcome in warm] == ["ota.module.created"]
    process = psutil.Process(pid(scenario.cloud))
    process.send_signal(signal.SIGSTOP)
    for service in ("iot", "smq"):
        scenario.cloud.call(partial(refuse, service))
    scenario.cloud.wait(lambda parts: parts.network.restored())
    process.send_signal(signal.SIGCONT)
    requests = scenario.new_modules(2, 7)
    evidence = scenario.queue(Plan(), requests)
    check(evidence)
    assert {status for request in requests for status in evidence.statuses(request["Id"])} == {"created"}
    calls = [call for call in evidence.of(Arrival) if call.service == "iot"]
    assert len(calls) == len(requests), "a connection that was gone cost a call"
    assert process.pid == pid(scenario.cloud)
