"""The account's limit, kept by the deployment as template.yml has it, with every function busy at once."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from emulator.pulse import busiest_second
from handler.settings import ACCOUNT_LIMIT
from tests.support.local import Outcomes
from tests.support.paths import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.quiet
QUEUED, CALLERS, EACH = 40, 2, 5
"""Work for some five seconds on all instances at once: several windows of a second."""


@contextmanager
def deployed(name: str) -> Iterator[LocalCloud]:
    """A cloud that would let the functions make far more calls than an account's API does."""
    with local_cloud(Options(port=0, template=ROOT / name, limit=100)) as running:
        yield running


def test_no_second_sees_more_than_ten_calls_with_all_instances_busy() -> None:
    """One instance of the queue's function and two for HTTP, each of which knows nothing of the others."""
    with deployed("template.yml") as cloud:
        queue_modules(cloud)
        assert post_side_by_side(cloud) == [207, 207]
        wait_for_outcomes(cloud)
        functions = cloud.call(lambda parts: [instance.config.name for instance in parts.fc.instances])
        assert sorted(functions) == ["ota-modules-http", "ota-modules-http", "ota-modules-queue"]
        assert most_in_a_second(cloud) <= ACCOUNT_LIMIT


def test_the_whole_quota_is_the_queues_where_http_has_no_instance() -> None:
    """Whoever calls the HTTP function hears that it has no room, and the API nothing."""
    with deployed("environments/whole-quota.yml") as cloud:
        queue_modules(cloud)
        assert post_side_by_side(cloud) == [429, 429]
        wait_for_outcomes(cloud)
        assert most_in_a_second(cloud) <= ACCOUNT_LIMIT


def modules(count: int, first: int) -> list[dict[str, str]]:
    """Requests for so many new modules, ten a product."""
    numbers = range(first, first + count)
    return [{"ProductKey": f"a1Demo{n // 10 + 1:05d}", "ModuleName": f"m{n % 10}", "Id": f"r{n}"} for n in numbers]


def queue_modules(cloud: LocalCloud) -> None:
    """Send work for some seconds to the queue."""
    bodies = [base64.b64encode(json.dumps(body).encode()).decode() for body in modules(QUEUED, 0)]
    cloud.call(lambda parts: [parts.smq.send("ota-module-requests", body) for body in bodies])


def post_side_by_side(cloud: LocalCloud) -> list[int]:
    """Send work for some seconds over HTTP, by as many callers as the function has instances; their statuses."""
    url = f"{cloud.urls.fc}/ota-modules-http/modules"
    bodies = [modules(EACH, QUEUED + 10 * caller) for caller in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda body: requests.post(url, json=body, timeout=60).status_code, bodies))


def wait_for_outcomes(cloud: LocalCloud) -> None:
    """Wait until everything that was queued has its outcome."""
    outcomes, ids = Outcomes(cloud), {f"r{number}" for number in range(QUEUED)}
    eventually(lambda: ids <= {event["causationid"] for event in outcomes.collect()}, 60, "every outcome")


def most_in_a_second(cloud: LocalCloud) -> int:
    """The most calls that the API saw in any second."""
    return busiest_second(cloud.call(lambda parts: list(parts.records.events)))["CreateOTAModule"]
