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
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled
from handler.iot import Halt, IotApi, Module, Session
from handler.pacing import Pacer
from handler.retry import CALL, THROTTLED

log = logging.getLogger(__name__)
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 10.0
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
            yield self._read(product)

    def _hint(self, error: CallError) -> str:
        return http.hint(urlsplit(self._url).hostname or "") if isinstance(error, NotSent) else ""

    def _read(self, product: ProductRef) -> Holding:
        place = {"ProductKey": product.key, **({"IotInstanceId": product.instance} if product.instance else {})}
        try:
            listing = self._retried(product.key, product.instance, lambda session: session.modules(place))
        except Refused as error:
            return Holding(product, refused=error.code)
        return Holding(product, tuple(listing.modules or ()))

    def listed(self, instance: str) -> Iterator["ListedProduct"]:
        """Yield all products of an instance, page by page. Raises: CloudError."""
        number = pages = 1
        while number <= pages:
            place = {"IotInstanceId": instance} if instance else {}
            page = {"CurrentPage": str(number), "PageSize": str(PAGE), **place}
            try:
                body = self._retried("the list of products", instance, partial(_Session.products, page=page))
            except Refused as error:
                raise CloudError(f"the list of products cannot be read: {error}") from None
            data = body.get("data")
            pages = int(data.get("PageCount") or 0) if isinstance(data, dict) else 0
            for product in (data.get("List") or {}).get("ProductInfo") or () if isinstance(data, dict) else ():
                yield ListedProduct(
                    ProductRef(instance, str(product["ProductKey"])), str(product.get("ProductName") or "")
                )
            number += 1

    def _retried(self, what: str, instance: str, call: Callable[["_Session"], _Answer]) -> _Answer:
        """Call until it is answered. Raises: Refused; CloudError: the API cannot be used, or does not answer."""
        deadline = self._clock.now() + PATIENCE
        session = _Session(self._api, lambda: self._keys, deadline, Halt(), instance=instance)
        failures = 0
        while True:
            try:
                return call(session)
            except Refused:
                raise
            except (Misconfigured, OutOfTime) as error:
                raise CloudError(f"{what} cannot be read: {error}") from None
            except CallError as error:
                failures += 1
                backoff = THROTTLED if isinstance(error, Throttled) else CALL
                if failures >= backoff.tries:
                    raise CloudError(f"{what} cannot be read: {error}{self._hint(error)}") from None
                self._clock.sleep(backoff.pause(failures, random.random))


class _Session(Session):
    """The function's use of the API, with each call logged, and one operation more."""

    def _call(self, action: str, parameters: Mapping[str, str]) -> tuple[Mapping[str, object], Any]:
        try:
            answer = super()._call(action, parameters)
        except CallError as error:
            log.debug("%s %s: %s", action, parameters.get("ProductKey", ""), error)
            raise
        log.debug("%s %s: ok", action, parameters.get("ProductKey", ""))
        return answer

    def products(self, page: Mapping[str, str]) -> Mapping[str, object]:
        """QueryProductList: one page. Raises: CallError of every kind, OutOfTime."""
        body, _ = self._call("QueryProductList", page)
        return body
