"""The deployment of a template, end to end: from the request queue to the API, on the local cloud."""

import base64
import json

from bench.table import Table, met
from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from emulator.pulse import busiest_second
from emulator.records import Arrival
from handler.settings import ACCOUNT_LIMIT
from tests.support.local import Outcomes
from tests.support.paths import ROOT
from tests.support.waiting import eventually

FILES = {"template.yml": 7.0, "environments/whole-quota.yml": 9.8}
"""What is deployed, and the share of its queue."""
MODULES = 250


def deployed() -> Table:
    """Measure each deployment with nothing but its queue busy."""
    return Table(
        f"As deployed: {MODULES} modules from the queue to the API, 300 ms latency, batches as the template has them",
        ("deployment", "of the limit (10/s)", "of the queue's share", "throttled", "most in a second", "goal"),
        [row(name, share) for name, share in FILES.items()],
        "The local cloud runs it: queue, stream, function in a process of its own, API, result topic. The rate is that of the calls from the\n"
        "first to the last, pauses between batches included. Goal: 90 % of the share, at most 10 in any second, nothing throttled.",
    )


def row(name: str, share: float) -> list[str]:
    """Deploy a template, and send the work."""
    with local_cloud(Options(port=0, template=ROOT / name)) as cloud:
        cloud.call(lambda parts: setattr(parts.iot, "latency", 0.3))
        send(cloud)
        outcomes, ids = Outcomes(cloud), {f"r{number}" for number in range(MODULES)}
        eventually(lambda: ids <= {event["causationid"] for event in outcomes.collect()}, 120, "every outcome")
        events = cloud.call(lambda parts: list(parts.records.events))
        throttled = cloud.call(lambda parts: sum(parts.iot.throttles.values()))
    moments = [event.moment for event in events if isinstance(event, Arrival) and event.operation == "CreateOTAModule"]
    rate, most = (len(moments) - 1) / (moments[-1] - moments[0]), busiest_second(events)["CreateOTAModule"]
    good = rate >= 0.9 * share and most <= ACCOUNT_LIMIT and not throttled
    return [f"`{name}`", f"{rate / ACCOUNT_LIMIT:.1%}", f"{rate / share:.1%}", str(throttled), str(most), met(good)]


def send(cloud: LocalCloud) -> None:
    """Put all requests into the queue."""
    wanted = [(f"a1Demo{n // 10 + 1:05d}", f"m{n % 10}", f"r{n}") for n in range(MODULES)]
    bodies = [json.dumps({"ProductKey": product, "ModuleName": name, "Id": own}) for product, name, own in wanted]
    encoded = [base64.b64encode(body.encode()).decode() for body in bodies]
    cloud.call(lambda parts: [parts.smq.send("ota-module-requests", body) for body in encoded])
