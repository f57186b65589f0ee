"""Runs against the local cloud under a plan of faults: requests in, everything settled, evidence out."""

import base64
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from emulator.cloud import Cloud, Options
from emulator.faults.plan import Plan
from emulator.iot.products import Module, Product
from emulator.local import LocalCloud, local_cloud
from tests.e2e.company import alone
from tests.e2e.evidence import REQUESTS, Asked, Evidence, Gather, begin, requests_in
from tests.e2e.invariants import violations
from tests.support.local import changed_template, encoded
from tests.support.waiting import within

SENDER_GIVES_UP, SETTLED = 45.0, 90.0
"""Seconds."""
HURRIED = {"OTA_READ_TIMEOUT": "0.5", "OTA_CONNECT_TIMEOUT": "0.5", "OTA_DEADLINE_MARGIN": "1.5"}
INSTANCE = "iot-run"
"""The instance of two of the requests; the others name none."""
_numbers = itertools.count(1)
Request = Mapping[str, Any]


@contextmanager
def hurried_cloud(
    folder: Path, *, limit: int = 300, timeout: int = 6, variables: Mapping[str, str] | None = None
) -> Iterator[LocalCloud]:
    """A local cloud whose functions give up soon, whose waits are short, and whose quota is out of the way."""
    changes = {
        "timeout: 300 ": f"timeout: {timeout} ",
        "timeout: 60\n": f"timeout: {timeout}\n",
        "batch_seconds: 1\n": "batch_seconds: 0\n",
        # A delivery that overlaps with another needs a second instance.
        "concurrencyConfig: {reservedConcurrency: 1}": "concurrencyConfig: {reservedConcurrency: 2}",
    }
    variables = {**HURRIED, "OTA_QPS": str(limit * 2 // 3), **(variables or {})}
    template = changed_template(folder, changes)
    options = Options(port=0, template=template, retry_scale=0.05, delay_scale=0.002, limit=limit, variables=variables)
    with local_cloud(options) as cloud:
        yield cloud


def check(evidence: Evidence) -> None:
    """Nothing is violated, every rule struck, and each request ended as it would alone, once or repeated."""
    broken = violations(evidence)
    assert not broken, f"{broken} under {evidence.plan}"
    assert [*evidence.rules] == [*evidence.plan.rules], f"not all struck under {evidence.plan}"
    for asked in evidence.asked:
        statuses, allowed = evidence.statuses(asked.id), alone(asked, evidence)
        repeated = {"existing"} if "created" in allowed else set()
        assert statuses and statuses <= allowed | repeated, f"{asked.id} is {statuses} under {evidence.plan}"


class Scenario:
    """One run after another against a cloud; each has products of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        # Certificates take longer to read than most calls here.
        self._client = httpx.Client(timeout=60, verify=False, limits=httpx.Limits(max_keepalive_connections=0))

    def product(self, *modules: Module, instance: str | None = None) -> str:
        """A new product, with these modules, which are an hour old."""
        key = f"a1Run{next(_numbers):06d}"
        product = Product(key, "Run", instance=instance, modules=modules)
        self.cloud.call(lambda parts: parts.iot.products.add(product, age=3600))
        return key

    def new_modules(self, products: int, each: int) -> list[Request]:
        """Requests for so many modules of so many new products."""
        keys = [self.product() for _ in range(products)]
        return [{"Id": f"{key}-{n}", "ProductKey": key, "ModuleName": f"m{n}"} for key in keys for n in range(each)]

    def queue(self, plan: Plan, requests: Sequence[Request], *, bodies: Sequence[bytes] = ()) -> Evidence:
        """Send requests, and bodies that hold none that is valid, to the queue; return when all is settled."""
        texts = [*map(encoded, requests), *(base64.b64encode(body).decode() for body in bodies)]
        gather = self.cloud.call(lambda parts: begin(parts, plan))
        messages = self.cloud.call(lambda parts: [parts.smq.send(REQUESTS, text) for text in texts])
        sent = list(zip(messages, texts, strict=True))[len(requests) :]
        asked = [Asked(request["Id"], request) for request in requests]
        asked += [Asked(name) for message, text in sent for name, _ in requests_in(message, text)]
        return self._settled(gather, asked, [])

    def http(self, plan: Plan, requests: Sequence[Request], *, at_once: int = 4, copies: int = 1) -> Evidence:
        """Post requests, each again until it is finished, as a sender does; return when all is settled.

        With `copies`, as many senders that know nothing of each other have the same requests.
        """
        gather = self.cloud.call(lambda parts: begin(parts, plan))
        pages: list[str] = []
        with ThreadPoolExecutor(at_once) as pool:
            post = partial(self._post, pages)
            asked = list(pool.map(post, [request for request in requests for _ in range(copies)]))
        return self._settled(gather, asked, pages)

    def _post(self, pages: list[str], request: Request) -> Asked:
        """Post a request until it is finished, and keep the answers."""
        end = time.monotonic() + SENDER_GIVES_UP
        while True:
            try:
                answer = self._client.post(f"{self.cloud.urls.fc}/ota-modules-http/modules", json=request)
                status = answer.status_code
                pages.append(str(answer.headers) + answer.text)
            except httpx.HTTPError:
                status = 599
            if (status < 500 and status != 429) or time.monotonic() >= end:
                return Asked(request["Id"], request, status)
            time.sleep(0.05)

    def _settled(self, gather: Gather, asked: Sequence[Asked], pages: Sequence[str]) -> Evidence:
        """Wait until nothing moves: a fault ends by its own limits, and what is left of the requests still meets it."""
        within(lambda: self.cloud.call(_is_quiet), SETTLED)
        shown = [self._client.get(self.cloud.urls.console + path).text for path in ("/state", "/faults")]
        return self.cloud.call(lambda parts: gather(parts, asked, [*pages, *shown]))


def _is_quiet(parts: Cloud) -> bool:
    depths = parts.smq.depths(REQUESTS)
    is_empty = depths.active + depths.inactive + depths.delayed == 0
    is_at_rest = all(each.state in ("idle", "stopped") for each in parts.fc.instances)
    return is_empty and is_at_rest and not any(stream.in_flight for stream in parts.streams)


def requests_for(scenario: Scenario) -> list[Request]:
    """A batch with one request of each kind: what to do with it, and a module that is there or not."""
    known = [Module("mcu", alias="Main_MCU", desc="The main controller."), Module("modem"), Module("radio")]
    product, other = {"ProductKey": scenario.product(*known)}, {"ProductKey": scenario.product(instance=INSTANCE)}
    other["IotInstanceId"] = INSTANCE
    requests = [
        {**product, "ModuleName": "barcodeScanner", "AliasName": "条码扫描器", "Desc": "Reads & writes: 100 %"},
        {**product, "ModuleName": "display"},
        {**other, "ModuleName": "display", "Desc": "Another product's, in an instance."},
        {**other, "ModuleName": "Display"},
        {**product, "ModuleName": "mcu", "AliasName": "Wanted"},
        {**product, "ModuleName": "modem", "AliasName": "Modem_2", "OnExisting": "update"},
        {**product, "ModuleName": "radio", "OnExisting": "fail"},
        {**product, "ModuleName": "no spaces"},
        {"ProductKey": "a1Unknown", "ModuleName": "mcu"},
    ]
    return [{**request, "Id": f"{product['ProductKey']}-{place}"} for place, request in enumerate(requests)]
