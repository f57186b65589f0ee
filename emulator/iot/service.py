"""The IoT Platform on one machine: admits calls, counts them against their quota, and performs them."""

import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulator.clock import Clock
from emulator.iot import gateway
from emulator.iot.answers import Answers
from emulator.iot.gateway import Gateway
from emulator.iot.operations import OPERATIONS, Operations
from emulator.iot.products import Product, Products
from emulator.iot.quirks import Quirks
from emulator.iot.quota import SlidingQuota
from emulator.iot.rpc import Answer, BusinessError, GatewayError, RpcError, RpcRequest
from emulator.ram.keys import Accounts, Key

QUERY_LIMIT = 50
CALLS_KEPT = 100_000
RECOMMEND = "https://error-center.alibabacloud.com/status/product/Iot"
_SECRET_PARAMETERS = ("Signature", "SecurityToken")


@dataclass(frozen=True)
class ApiCall:
    """A call that arrived at `moment`, in monotonic seconds; without signature and token.

    `account` is None where the caller was not authenticated; `code` is empty on success.
    """

    operation: str
    account: str | None
    moment: float
    parameters: Mapping[str, str]
    http_status: int
    code: str
    success: bool
    request_id: str


class IotPlatform:
    """The IoT Platform of one account. `seed` draws whatever the documentation leaves open.

    `limit` calls of one operation pass in any second. A call takes `latency` seconds, half of them before its effect and half
    after it.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        limit: int = 10,
        answers: Answers | None = None,
        path: str | None = None,
    ) -> None:
        random_source = random.Random(seed)
        self.limit = limit
        self.latency = 0.0
        self.quirks = Quirks(random_source, answers)
        self._clock = clock or Clock()
        self.products = Products(self._clock.wall, path)
        self.calls: list[ApiCall] = []
        self.throttles: Counter[str] = Counter()
        self._accounts = accounts
        self._gateway = Gateway(accounts, self._clock.wall, random_source)
        self._quota = SlidingQuota(self._clock.monotonic)
        self._operations = Operations(self.products, self.quirks)

    def add_products(self, keys: Sequence[tuple[str, str | None]]) -> None:
        """Add empty products by key and instance; a product that exists already is not changed."""
        known = {(product.key, product.instance) for product in self.products}
        for key, instance in dict.fromkeys(keys):
            if (key, instance) not in known:
                self.products.add(Product(key, key, instance))

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
        moment, request_id = self._clock.monotonic(), str(uuid.uuid4()).upper()
        account, refusal = self._admit(request, moment)
        await self._pause()
        answer = self._perform(request, request_id, refusal)
        self._record(request, answer, moment, account)
        await self._pause()
        return answer

    async def _pause(self) -> None:
        if self.latency:
            await self._clock.sleep(self.latency / 2)

    def _admit(self, request: RpcRequest, moment: float) -> tuple[str | None, RpcError | None]:
        """Return the account whose call it is, if it is known, and the error if the call is refused."""
        account = None
        try:
            key = self._gateway.admit(gateway.read(request))
            account = self._accounts.account_id
            self._check_limits(key, request, moment)
        except RpcError as refusal:
            return account, refusal
        return account, None

    def _check_limits(self, key: Key, request: RpcRequest, moment: float) -> None:
        """Count the call against its operation's quota, also if it is refused. Raises: RpcError."""
        operation = request.action
        if operation not in OPERATIONS:
            raise GatewayError(404, "InvalidApi.NotFound", "Specified api is not found.")
        if wait := self._quota.take(operation, self.limit_of(operation), moment):
            self.throttles[operation] += 1
            raise self.quirks.throttled(wait)
        if not self._accounts.permits(key, f"iot:{operation}", "*"):
            raise self.quirks.forbidden(f"iot:{operation}")

    def limit_of(self, operation: str) -> int:
        """Return how many calls of an operation pass in a second."""
        return max(self.limit, QUERY_LIMIT) if operation.startswith("QueryProduct") else self.limit

    def _perform(self, request: RpcRequest, request_id: str, refusal: RpcError | None) -> Answer:
        operation, headers = request.action, {"x-acs-request-id": request_id}
        try:
            if refusal:
                raise refusal
            body = self._operations.perform(operation, request.parameters)
        except GatewayError as error:
            content = {
                "Code": error.code,
                "Message": error.message,
                "RequestId": request_id,
                "HostId": request.headers.get("host", ""),
                "Recommend": RECOMMEND,
            }
            return Answer(error.status, "Error", content, {**headers, **error.headers})
        except BusinessError as error:
            body = {"Success": False, "Code": error.code, "ErrorMessage": error.message}
        else:
            body = {**body, "Success": True}
        if operation == "ListOTAModuleByProduct" and "Data" in body and request.wants_json:
            body["Data"] = self.quirks.shape_list(body["Data"])
        return Answer(200, f"{operation}Response", {"RequestId": request_id, **body}, headers)

    def _record(self, request: RpcRequest, answer: Answer, moment: float, account: str | None) -> None:
        call = ApiCall(
            operation=request.action,
            account=account,
            moment=moment,
            parameters={name: text for name, text in request.parameters.items() if name not in _SECRET_PARAMETERS},
            http_status=answer.status,
            code=answer.code,
            success=answer.success,
            request_id=answer.headers["x-acs-request-id"],
        )
        if len(self.calls) >= 2 * CALLS_KEPT:
            del self.calls[:CALLS_KEPT]
        self.calls.append(call)
