"""The IoT Platform on one machine: admits calls, counts them against their quota, and performs them."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator.clock import Clock
from emulator.iot import gateway, seeds
from emulator.iot.answers import Answers
from emulator.iot.gateway import Gateway
from emulator.iot.operations import Operations
from emulator.iot.parameters import deep_page
from emulator.iot.products import Products
from emulator.iot.quirks import Quirks
from emulator.iot.quota import SlidingQuota
from emulator.iot.rpc import Answer, BusinessError, GatewayError, RpcError, RpcRequest
from emulator.ram.keys import Accounts, Key

QUERY_LIMIT = 50
DEEP_PAGE_LIMIT = 2
CALLS_KEPT = 100_000
RECOMMEND = "https://error-center.alibabacloud.com/status/product/Iot"
_SECRET_PARAMETERS = ("Signature", "SecurityToken")


@dataclass(frozen=True)
class ApiCall:
    """A call that arrived: `moment` in monotonic seconds, `wall` in unix seconds; without signature and token.

    `account` is None where the caller was not let in; `code` is empty on success.
    """

    operation: str
    account: str | None
    moment: float
    wall: float
    parameters: Mapping[str, str]
    http_status: int
    code: str
    success: bool
    request_id: str


@dataclass(frozen=True)
class _Arrival:
    """A call between its arrival and its effect; one with a `refusal` has no effect."""

    request: RpcRequest
    moment: float
    wall: float
    account: str | None
    refusal: RpcError | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()).upper())


class IotPlatform:
    """The IoT Platform of one account. `seed` draws whatever the documentation leaves open.

    `limit` calls of one operation pass in any second. A call takes `latency` (seconds, or a function that returns them),
    half of it before its effect and half after it.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        limit: int = 10,
        answers: Answers | None = None,
    ) -> None:
        random_source = random.Random(seed)
        self.limit = limit
        self.latency: float | Callable[[], float] = 0.0
        self.quirks = Quirks(random_source, answers)
        self._clock = clock or Clock()
        self.products = Products(self._clock.wall)
        self.calls: list[ApiCall] = []
        self.throttles: Counter[str] = Counter()
        self._accounts = accounts
        self._gateway = Gateway(accounts, self._clock.wall, random_source)
        self._quota = SlidingQuota(self._clock.monotonic)
        self._operations = Operations(self.products, self.quirks)

    def load_products(self, path: Path = seeds.SEED) -> None:
        """Raises: SeedError, OSError."""
        self.products.load(path)

    def add_products(self, keys: Sequence[tuple[str, str | None]]) -> None:
        """Add empty products by key and instance; one that is there already stays as it is."""
        known = {(product.key, product.instance) for product in self.products}
        for key, instance in dict.fromkeys(keys):
            if (key, instance) not in known:
                self.products.add(seeds.SeedProduct(key=key, name=key, instance=instance))

    def consume(self, operation: str, n: int) -> None:
        """Count `n` calls that others of the account make now."""
        self._quota.consume(operation, n)

    def rates(self) -> dict[str, int]:
        """Count the calls of the last second by operation, including those of others."""
        return self._quota.counts()

    def wall(self) -> float:
        """Return what the platform's clock shows, in unix seconds."""
        return self._clock.wall()

    async def answer(self, request: RpcRequest) -> Answer:
        """Admit or refuse a call, perform it, and record it."""
        half = (self.latency() if callable(self.latency) else self.latency) / 2
        arrival = self._arrive(request)
        await self._pause(half)
        answer = self._perform(arrival)
        self._record(arrival, answer)
        await self._pause(half)
        return answer

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.sleep(seconds)

    def _arrive(self, request: RpcRequest) -> _Arrival:
        moment, wall = self._clock.monotonic(), self._clock.wall()
        try:
            key = self._gateway.admit(gateway.read(request))
        except RpcError as refusal:
            return _Arrival(request, moment, wall, None, refusal)
        try:
            self._check_limits(key, request, moment)
        except RpcError as refusal:
            return _Arrival(request, moment, wall, self._accounts.account_id, refusal)
        return _Arrival(request, moment, wall, self._accounts.account_id)

    def _check_limits(self, key: Key, request: RpcRequest, moment: float) -> None:
        """Count the call against its operation's quota, also if it is refused. Raises: RpcError."""
        operation = request.action
        if operation not in self._operations:
            raise GatewayError(404, "InvalidApi.NotFound", "Specified api is not found.")
        limit = self.limit_of(operation, deep=operation == "QueryProductList" and deep_page(request.parameters))
        if wait := self._quota.take(operation, limit, moment):
            self.throttles[operation] += 1
            raise self.quirks.throttled(wait)
        if not self._accounts.permits(key, f"iot:{operation}", "*"):
            raise self.quirks.forbidden(f"iot:{operation}")

    def limit_of(self, operation: str, *, deep: bool = False) -> int:
        """Return how many calls of an operation pass in a second; `deep` is for a page far down the list of products."""
        if deep:
            return DEEP_PAGE_LIMIT
        return max(self.limit, QUERY_LIMIT) if operation.startswith("QueryProduct") else self.limit

    def _perform(self, arrival: _Arrival) -> Answer:
        operation = arrival.request.action
        try:
            if arrival.refusal:
                raise arrival.refusal
            body = self._operations.perform(operation, arrival.request.parameters)
        except GatewayError as error:
            return self._gateway_answer(arrival, error)
        except BusinessError as error:
            body = {"Success": False, "Code": error.code, "ErrorMessage": error.message}
        else:
            body = {**body, "Success": True}
        if operation == "ListOTAModuleByProduct" and "Data" in body and arrival.request.wants_json:
            body["Data"] = self.quirks.shape_list(body["Data"])
        content = {"RequestId": arrival.request_id, **body}
        return Answer(200, f"{operation}Response", content, {"x-acs-request-id": arrival.request_id})

    def _gateway_answer(self, arrival: _Arrival, error: GatewayError) -> Answer:
        content = {
            "Code": error.code,
            "Message": error.message,
            "RequestId": arrival.request_id,
            "HostId": arrival.request.headers.get("host", ""),
            "Recommend": RECOMMEND,
        }
        return Answer(error.status, "Error", content, {"x-acs-request-id": arrival.request_id, **error.headers})

    def _record(self, arrival: _Arrival, answer: Answer) -> None:
        parameters = {n: value for n, value in arrival.request.parameters.items() if n not in _SECRET_PARAMETERS}
        call = ApiCall(
            arrival.request.action,
            arrival.account,
            arrival.moment,
            arrival.wall,
            parameters,
            answer.status,
            answer.code,
            answer.success,
            arrival.request_id,
        )
        if len(self.calls) >= 2 * CALLS_KEPT:
            del self.calls[:CALLS_KEPT]
        self.calls.append(call)
