"""What products hold now, read inside the quota."""

import logging
import random
import ssl
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError
from handler.clock import Clock
from handler.codes import names_no_instance
from handler.connections import Connection
from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled
from handler.iot import LIST, Halt, IotApi, Module, Session, read_modules
from handler.pacing import Pacer
from handler.retry import CALL, THROTTLED

log = logging.getLogger(__name__)
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 10.0
PAGE = 200
"""Products on one page of QueryProductList, at most (API reference)."""
PATIENCE = 120.0
"""Seconds that one product may take, its wait for the quota included."""


class ProductRef(NamedTuple):
    """A product, and the instance through which it is found; an empty text stands for none."""

    instance: str
    key: str


class Holding(NamedTuple):
    """The modules of a product; `refused` is the code of what was wrong where they cannot be read."""

    product: ProductRef
    modules: tuple[Module, ...] = ()
    refused: str = ""


class Products:
    """Reads products inside the quota, `rate` calls a second at most; for one thread."""

    def __init__(self, target: Target, rate: float) -> None:
        self._clock = Clock()
        self._target = target
        url = target.iot_url
        tls = ssl.create_default_context() if url.startswith("https:") else None
        self._connection = Connection(url, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, tls=tls)
        self._api = IotApi(target.region, self._connection, Pacer(rate, self._clock), self._clock, READ_TIMEOUT)

    def close(self) -> None:
        self._connection.close()

    def read(self, products: Sequence[ProductRef]) -> Iterator[Holding]:
        """List the modules of one after another, in their order. Raises: CloudError: the API cannot be used at all."""
        for product in products:
            try:
                data = self._call(LIST, product.key, product.instance, {"ProductKey": product.key})
                yield Holding(product, tuple(read_modules(data) or ()))
            except CallError as error:
                yield Holding(product, refused=error.code)

    def names(self, instance: str) -> dict[ProductRef, str]:
        """Return all products of an instance, with the names that people gave them. Raises: CloudError."""
        found: dict[ProductRef, str] = {}
        number = pages = 1
        while number <= pages:
            page = {"CurrentPage": str(number), "PageSize": str(PAGE)}
            try:
                data: Any = self._call("QueryProductList", "the list of products", instance, page) or {}
            except Refused as error:
                raise CloudError(f"the list of products cannot be read: {error}") from None
            pages = int(data.get("PageCount") or 0)
            for product in (data.get("List") or {}).get("ProductInfo") or ():
                found[ProductRef(instance, str(product["ProductKey"]))] = str(product.get("ProductName") or "")
            number += 1
        return found

    def _call(self, action: str, what: str, instance: str, parameters: Mapping[str, str]) -> object:
        """Call until it is answered; return the answer's Data.

        Raises: Refused; CloudError: the API cannot be used, or does not answer.
        """
        parameters = {**parameters, **({"IotInstanceId": instance} if instance else {})}
        session = Session(self._api, lambda: self._target.keys, self._clock.now() + PATIENCE, Halt())
        for failures in count(1):
            try:
                answer, _ = session.attempt(action, parameters)
            except (CallError, OutOfTime) as error:
                log.debug("%s %s: %s", action, what, error)
                if isinstance(error, Refused):
                    raise
                if isinstance(error, Misconfigured) and names_no_instance(error):
                    raise Refused(error.code, error.text, request_id=error.request_id) from None
                backoff = THROTTLED if isinstance(error, Throttled) else CALL
                if isinstance(error, OutOfTime | Misconfigured) or failures >= backoff.tries:
                    hint = http.hint(self._target.iot_url) if isinstance(error, NotSent) else ""
                    raise CloudError(f"{what} cannot be read: {error}{hint}") from None
            else:
                log.debug("%s %s: ok", action, what)
                return answer.get("data")
            self._clock.sleep(backoff.pause(failures, random.random))
        raise AssertionError("unreachable")
