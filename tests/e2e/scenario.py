"""Runs against the local cloud under a plan of faults: requests in, everything settled, evidence out."""

import base64
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from emulator.cloud import Cloud, Options
from emulator.faults.plan import Plan
from emulator.iot.products import Module, Product
from emulator.local import LocalCloud, local_cloud
from emulator.records import Published
from tests.e2e.evidence import REQUESTS, Asked, Evidence, Start, name_of, numbered, read
from tests.e2e.invariants import Told
from tests.support.paths import ROOT
from tests.support.waiting import within

TIMEOUT = 6
"""Seconds that a function of these tests may take."""
HURRIED = {
    "OTA_READ_TIMEOUT": "0.5",
    "OTA_CONNECT_TIMEOUT": "0.5",
    "OTA_DEADLINE_MARGIN": "1.5",
}
_CHANGES = {
    "timeout: 300 ": "timeout: {timeout} ",
    "timeout: 60\n": "timeout: {timeout}\n",
    "batch_seconds: 1\n": "batch_seconds: 0\n",
    # A delivery that overlaps with another needs a second instance.
    "concurrencyConfig: {reservedConcurrency: 1}": "concurrencyConfig: {reservedConcurrency: 2}",
}
INSTANCE = "iot-run"
"""The instance of two of the requests; the others name none."""
_numbers = itertools.count(1)
Request = Mapping[str, Any]


@contextmanager
def hurried_cloud(
    folder: Path, *, limit: int = 300, timeout: int = TIMEOUT, variables: Mapping[str, str] | None = None
) -> Iterator[LocalCloud]:
    """A local cloud whose functions give up soon, whose waits are short, and whose quota is out of the way."""
    text = (ROOT / "template.yml").read_text(encoding="utf-8")
    for old, new in _CHANGES.items():
        assert old in text, old
        text = text.replace(old, new.replace("{timeout}", str(timeout)))
    template = folder / "template.yml"
    template.write_text(text, encoding="utf-8")
    options = Options(
        port=0,
        template=template,
        retry_scale=0.05,
        delay_scale=0.002,
        limit=limit,
        variables={**HURRIED, "OTA_QPS": str(limit * 2 // 3), **(variables or {})},
    )
    with local_cloud(options) as cloud:
        yield cloud


@dataclass(frozen=True)
class Ran:
    """A run that has ended: its evidence, and what each rule of its plan did."""

    evidence: Evidence
    fired: Sequence[int]

    def statuses(self) -> dict[str, set[str]]:
        """What was said of each request."""
        outcomes = Told(self.evidence).outcomes
        return {
            asked.id: {one["data"]["Status"] for one in outcomes.get(asked.id, ())} for asked in self.evidence.asked
        }


class Scenario:
    """One run after another against a cloud; each has products of its own."""

    def __init__(self, cloud: LocalCloud, seconds: float = 45.0) -> None:
        self.cloud = cloud
        self._seconds = seconds
        # Certificates take longer to read than most calls here.
        self._client = httpx.Client(timeout=60, verify=False, limits=httpx.Limits(max_keepalive_connections=0))

    def product(self, *modules: Module, instance: str | None = None) -> str:
        """A new product, with these modules, which are an hour old."""
        key = f"a1Run{next(_numbers):06d}"
        product = Product(key, "Run", instance=instance, modules=modules)
        self.cloud.call(lambda parts: parts.iot.products.add(product, age=3600))
        return key

    def queue(self, plan: Plan, requests: Sequence[Request], *, bodies: Sequence[bytes] = ()) -> Ran:
        """Send requests, and bodies that hold none that is valid, to the queue; return when all is settled.

        A request of which `valid` is said to be False is sent without that word, and expected to be rejected.
        """
        start = self._start(plan)
        asked = [Asked(request["Id"], request, request.get("valid", True)) for request in requests]
        clean = [{name: value for name, value in request.items() if name != "valid"} for request in requests]

        def send(parts: Cloud) -> list[Asked]:
            for request in clean:
                parts.smq.send(REQUESTS, base64.b64encode(json.dumps(request).encode()).decode())
            ids = [parts.smq.send(REQUESTS, base64.b64encode(each).decode()) for each in bodies]
            return [
                Asked(name_of(request, message, number), {}, valid=False)
                for message, body in zip(ids, bodies, strict=True)
                for number, request in numbered(read(base64.b64encode(body).decode()))
            ]

        asked += self.cloud.call(send)
        self._settle(asked, start)
        return self._ended(start, asked)

    def http(self, plan: Plan, requests: Sequence[Request], *, at_once: int = 4, copies: int = 1) -> Ran:
        """Post requests, each again until it is finished, as a sender does; return when all is settled.

        With `copies`, as many senders that know nothing of each other have the same requests.
        """
        start = self._start(plan)
        with ThreadPoolExecutor(at_once) as pool:
            posted = list(pool.map(self._post, [request for request in requests for _ in range(copies)]))
        pages = [page for _, page in posted]
        asked = [one for one, _ in posted]
        return self._ended(start, asked, pages)

    def _post(self, request: Request) -> tuple[Asked, str]:
        valid = request.get("valid", True)
        clean = {name: value for name, value in request.items() if name != "valid"}
        asked = Asked(request["Id"], clean, valid)
        end = time.monotonic() + self._seconds
        pages = []
        while True:
            try:
                answer = self._client.post(f"{self.cloud.urls.fc}/ota-modules-http/modules", json=clean)
                pages.append(str(answer.headers) + answer.text)
                asked = replace(asked, answered=answer.status_code)
            except httpx.HTTPError:
                asked = replace(asked, answered=599)
            if (asked.answered or 0) < 500 and asked.answered != 429:
                return asked, "\n".join(pages)
            if time.monotonic() >= end:
                return asked, "\n".join(pages)
            time.sleep(0.05)

    def _start(self, plan: Plan) -> Start:
        def begin(parts: Cloud) -> Start:
            parts.faults.set(plan)
            return Start.of(parts)

        return self.cloud.call(begin)

    def _settle(self, asked: Sequence[Asked], start: Start) -> None:
        def done(parts: Cloud) -> bool:
            events = parts.records.events[start.events :]
            told = {read(each.body)["causationid"] for each in events if isinstance(each, Published)}
            return {each.id for each in asked} <= told or not any(_unsettled(parts))

        within(lambda: self.cloud.call(done), self._seconds)

    def _ended(self, start: Start, asked: Sequence[Asked], pages: Sequence[str] = ()) -> Ran:
        """Let everything go right again, and wait until nothing moves."""

        def quiet(parts: Cloud) -> bool:
            return not any(_unsettled(parts)) and all(each.state in ("idle", "stopped") for each in parts.fc.instances)

        # A fault ends by its own limits: what is left of the requests still meets it.
        within(lambda: self.cloud.call(quiet), self._seconds)

        shown = [self._client.get(self.cloud.urls.console + path).text for path in ("/state", "/faults")]

        def gather(parts: Cloud) -> Ran:
            fired = [each.fired for each in parts.faults]
            rules = [each.rule for each in parts.faults if each.fired]
            parts.faults.clear()
            return Ran(Evidence.since(start, parts, asked, rules, [*pages, *shown]), fired)

        return self.cloud.call(gather)


def _unsettled(parts: Cloud) -> Iterator[bool]:
    depths = parts.smq.depths(REQUESTS)
    yield depths.active + depths.inactive + depths.delayed > 0
    yield any(stream.in_flight for stream in parts.streams)


def requests_for(scenario: Scenario) -> list[Request]:
    """A batch with one request of each kind: what to do with it, and a module that is there or not."""
    known = [Module("mcu", alias="Main_MCU", desc="The main controller.")]
    product = scenario.product(*known, Module("modem"), Module("radio"))
    other = {"ProductKey": scenario.product(instance=INSTANCE), "IotInstanceId": INSTANCE}
    number = next(_numbers)
    each: list[dict[str, Any]] = [
        {
            "ProductKey": product,
            "ModuleName": "barcodeScanner",
            "AliasName": "条码扫描器",
            "Desc": "Reads & writes: 100 %",
        },
        {"ProductKey": product, "ModuleName": "display"},
        {**other, "ModuleName": "display", "Desc": "Another product's, in an instance."},
        {**other, "ModuleName": "Display"},
        {"ProductKey": product, "ModuleName": "mcu", "AliasName": "Wanted"},
        {"ProductKey": product, "ModuleName": "modem", "AliasName": "Modem_2", "OnExisting": "update"},
        {"ProductKey": product, "ModuleName": "radio", "OnExisting": "fail"},
        {"ProductKey": product, "ModuleName": "no spaces", "valid": False},
        {"ProductKey": "a1Unknown", "ModuleName": "mcu"},
    ]
    return [{**request, "Id": f"r{number}-{place}"} for place, request in enumerate(each)]


MAY_BE = (
    {"created", "existing"},
    {"created", "existing"},
    {"created", "existing"},
    {"created", "existing"},
    {"existing"},
    {"updated", "existing"},
    {"rejected"},
    {"rejected"},
    {"rejected"},
)
"""What may truthfully be said of the requests of `requests_for`, in their order."""
