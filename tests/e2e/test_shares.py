"""The account's limit, kept by the deployment as template.yml has it, with every function busy at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from emulator.cloud import Options
from emulator.local import local_cloud
from emulator.pulse import busiest_second
from handler.settings import ACCOUNT_LIMIT
from tests.support.local import Outcomes, send
from tests.support.paths import ROOT

QUEUED, CALLERS, EACH = 40, 2, 5
"""Work for some five seconds on all instances at once: several windows of a second."""
HTTP, QUEUE = "ota-modules-http", "ota-modules-queue"


def modules(count: int, first: int) -> list[dict[str, str]]:
    """Requests for so many new modules, ten a product."""
    numbers = range(first, first + count)
    return [{"ProductKey": f"a1Demo{n // 10 + 1:05d}", "ModuleName": f"m{n % 10}", "Id": f"r{n}"} for n in numbers]


@pytest.mark.quiet
@pytest.mark.parametrize(
    ("template", "answers", "instances"),
    [
        ("template.yml", [207, 207], [HTTP, HTTP, QUEUE]),
        ("environments/whole-quota.yml", [429, 429], [QUEUE]),  # no room for HTTP, and the API hears nothing of it
    ],
    ids=["as deployed", "the whole quota for the queue"],
)
def test_no_second_sees_more_than_ten_calls_with_all_instances_busy(
    template: str, answers: list[int], instances: list[str]
) -> None:
    """None knows of the others, and the API would let them make far more calls than an account may."""
    with (
        local_cloud(Options(port=0, template=ROOT / template, limit=100)) as cloud,
        ThreadPoolExecutor(CALLERS) as pool,
    ):
        send(cloud, *modules(QUEUED, 0))
        bodies = [modules(EACH, QUEUED + 10 * caller) for caller in range(CALLERS)]
        url = f"{cloud.urls.fc}/ota-modules-http/modules"
        assert list(pool.map(lambda body: httpx.post(url, json=body, timeout=60).status_code, bodies)) == answers
        outcomes = Outcomes(cloud)
        for request in modules(QUEUED, 0):
            outcomes.of(request["Id"], 60)
        assert sorted(cloud.call(lambda parts: [each.config.name for each in parts.fc.instances])) == instances
        assert busiest_second(cloud.call(lambda parts: list(parts.records.events)))["CreateOTAModule"] <= ACCOUNT_LIMIT
