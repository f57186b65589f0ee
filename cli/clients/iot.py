"""What products hold now, read inside the quota."""

import logging
import random
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError
from handler.clock import Clock
from handler.codes import understood
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled
from handler.iot import LIST, Halt, IotApi, Module, Session
from handler.pacing import Pacer
from handler.retry import CALL, THROTTLED

log = logging.getLogger(__name__)
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 10.0
LIST_PRODUCTS = "QueryProductList"
PAGE = 200
"""Products on one page of QueryProductList, at most (API reference)."""
PATIENCE = 120.0
"""Seconds that one product may take, its wait for the quota included."""


@dataclass(frozen=True, order=True)
class ProductRef:
    """A product, and the instance through which it is found; an empty text stands for none."""

    instance: str
    key: str


@dataclass(frozen=True)
class Holding:
    """The modules of a product; `refused` is the API's code where it cannot be read."""

    product: ProductRef
    modules: tuple[Module, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class ListedProduct:
    """A product of an instance, with the name that people gave it."""

    product: ProductRef
    name: str


_Answer = TypeVar("_Answer")


class Products:
    """Reads products with ListOTAModuleByProduct, `rate` calls a second at most; for one thread."""

    def __init__(self, target: Target, rate: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._url = target.iot_url
        tls = ssl.create_default_context() if target.iot_url.startswith("https:") else None

        self._connection = Connection(
            target.iot_url, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, tls=tls
        )
        transport = Transport(lambda: self._connection)
        self._api = IotApi(target.region, transport, Pacer(rate, self._clock), self._clock, READ_TIMEOUT)
        self._keys = Credentials(target.keys.id, target.keys.secret, target.keys.token)

    def close(self) -> None:
        self._connection.close()

    def read(self, products: Sequence[ProductRef]) -> Iterator[Holding]:
        """One after another, in their order. Raises: CloudError: the API cannot be used at all."""
        for product in products:
            place = {"ProductKey": product.key, **_instance(product.instance)}
            try:
                modules = self._retried(
                    LIST, product.key, product.instance, partial(Session.modules, parameters=place)
                ).modules
                yield Holding(product, tuple(modules or ()))
            except Refused as error:
                yield Holding(product, refused=error.code)

    def listed(self, instance: str) -> Iterator[ListedProduct]:
        """Yield all products of an instance, page by page. Raises: CloudError."""
        number = pages = 1
        while number <= pages:
            page = {"CurrentPage": str(number), "PageSize": str(PAGE), **_instance(instance)}
            try:
                data = self._retried(LIST_PRODUCTS, "the list of products", instance, partial(self._products, page))
            except Refused as error:
                raise CloudError(f"the list of products cannot be read: {error}") from None
            pages = int(data.get("PageCount") or 0)
            for product in (data.get("List") or {}).get("ProductInfo") or ():
                yield ListedProduct(
                    ProductRef(instance, str(product["ProductKey"])), str(product.get("ProductName") or "")
                )
            number += 1

    def _products(self, page: Mapping[str, str], session: Session) -> Mapping[str, Any]:
        """Call QueryProductList. Raises: CallError of every kind."""
        self._api.quota.wait(LIST_PRODUCTS, session.deadline)
        self._api.transport.open(CONNECT_TIMEOUT)
        answer = self._api.transport.post(self._api.signed(LIST_PRODUCTS, page, self._keys), READ_TIMEOUT)
        data = understood(answer, self._keys.secrets).get("data")
        return data if isinstance(data, dict) else {}

    def _retried(self, action: str, what: str, instance: str, call: Callable[[Session], _Answer]) -> _Answer:
        """Call until it is answered. Raises: Refused; CloudError: the API cannot be used, or does not answer."""
        session = Session(self._api, lambda: self._keys, self._clock.now() + PATIENCE, Halt(), instance=instance)
        failures = 0
        while True:
            try:
                answer = call(session)
            except CallError as error:
                log.debug("%s %s: %s", action, what, error)
                failures += 1
                backoff = THROTTLED if isinstance(error, Throttled) else CALL
                if isinstance(error, Refused):
                    raise
                if isinstance(error, Misconfigured) or failures >= backoff.tries:
                    hint = http.hint(urlsplit(self._url).hostname or "") if isinstance(error, NotSent) else ""
                    raise CloudError(f"{what} cannot be read: {error}{hint}") from None
            except OutOfTime as error:
                raise CloudError(f"{what} cannot be read: {error}") from None
            else:
                log.debug("%s %s: ok", action, what)
                return answer
            self._clock.sleep(backoff.pause(failures, random.random))


def _instance(name: str) -> dict[str, str]:
    return {"IotInstanceId": name} if name else {}
