"""The operations of the IoT Platform, their parameters, and their answers' bodies without RequestId and Success.

Source: https://www.alibabacloud.com/help/doc-detail/186066.htm and its neighbours; letters of an alias may be Chinese.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.iot.products import Module, Product, Products, ProductsError
from emulator.iot.quirks import Quirks
from emulator.iot.rpc import BusinessError

PAGE_SIZE = 200
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"

Parameters = Mapping[str, str]
Body = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A parameter whose whole value must match `pattern`; `rule` says so in words."""

    name: str
    required: bool
    pattern: str
    rule: str


PRODUCT_KEY = Parameter("ProductKey", True, r"\S{1,64}", "1 to 64 characters without white space")
MODULE_NAME = Parameter("ModuleName", True, r"[A-Za-z0-9._-]{1,64}", "1 to 64 letters, digits, periods, - and _")
_ALIAS = "1 to 64 Chinese or English letters, digits, periods, - and _"
ALIAS_NAME = Parameter("AliasName", False, rf"[A-Za-z0-9._{_HAN}-]{{1,64}}", _ALIAS)
DESC = Parameter("Desc", False, "(?s).{0,100}", "100 characters at most")
COMMODITY = Parameter("AliyunCommodityCode", False, "iothub_senior|iothub", "iothub_senior or iothub")


class Operations:
    """Performs operations on products."""

    def __init__(self, products: Products, quirks: Quirks) -> None:
        self._products = products
        self._quirks = quirks

    def perform(self, operation: str, parameters: Parameters) -> Body:
        """Raises: RpcError."""
        function, rules = OPERATIONS[operation]
        self._check(rules, parameters)
        try:
            return function(self, parameters)
        except ProductsError as error:
            raise self._quirks.refuse(error) from error

    def _check(self, rules: tuple[Parameter, ...], parameters: Parameters) -> None:
        """Raises: RpcError, for the first parameter that breaks its rule."""
        for rule in rules:
            value = parameters.get(rule.name)
            if rule.required and not value:
                raise self._quirks.missing(rule.name)
            if value is not None and not re.fullmatch(rule.pattern, value):
                raise self._quirks.invalid(rule.name, rule.rule)

    def _product(self, parameters: Parameters) -> Product:
        return self._products.find(parameters["ProductKey"], _instance(parameters))

    def create(self, parameters: Parameters) -> Body:
        alias, desc = parameters.get("AliasName"), parameters.get("Desc")
        self._products.create_module(self._product(parameters), parameters["ModuleName"], alias, desc)
        return {}

    def update(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        kept = None if self._quirks.update_clears else product.module(parameters["ModuleName"])
        alias = parameters.get("AliasName", kept.alias if kept else None)
        desc = parameters.get("Desc", kept.desc if kept else None)
        self._products.update_module(product, parameters["ModuleName"], alias, desc)
        return {}

    def delete(self, parameters: Parameters) -> Body:
        self._products.delete_module(self._product(parameters), parameters["ModuleName"])
        return {}

    def list(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        modules = product.modules if self._quirks.lists_default else product.custom_modules
        return {"Data": [self._module(product, module) for module in modules], "Code": ""}

    def _module(self, product: Product, module: Module) -> Body:
        texts = {"Desc": module.desc, "AliasName": module.alias}
        known = {name: text for name, text in texts.items() if text is not None}
        return {
            **(known if self._quirks.null_absent else {name: text or "" for name, text in texts.items()}),
            "ModuleName": module.name,
            "ProductKey": product.key,
            "GmtCreate": _minute(module.created),
            "GmtModified": _minute(module.modified),
        }

    def query_product(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        own = {
            "AliyunCommodityCode": product.commodity,
            "Owner": True,
            "ProductSecret": hashlib.sha256(product.key.encode()).hexdigest()[:16],
            "ProductStatus": "DEVELOPMENT_STATUS",
            "ProtocolType": "mqtt",
        }
        return {"Data": {**_summary(product), **own}, "Code": ""}

    def query_products(self, parameters: Parameters) -> Body:
        number, size = (_read_positive(parameters.get(name, "")) for name in ("CurrentPage", "PageSize"))
        if not number or not 0 < size <= PAGE_SIZE:
            raise BusinessError("iot.common.InvalidPageParams", f"CurrentPage from 1, PageSize from 1 to {PAGE_SIZE}.")
        products = self._products.within(_instance(parameters))
        if commodity := parameters.get("AliyunCommodityCode"):
            products = [product for product in products if product.commodity == commodity]
        start = (number - 1) * size
        data = {
            "PageCount": -(-len(products) // size),
            "PageSize": size,
            "CurrentPage": number,
            "Total": len(products),
            "List": {"ProductInfo": [_summary(product) for product in products[start : start + size]]},
        }
        return {"Data": data, "Code": ""}


OPERATIONS = {
    "CreateOTAModule": (Operations.create, (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC)),
    "UpdateOTAModule": (Operations.update, (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC)),
    "DeleteOTAModule": (Operations.delete, (PRODUCT_KEY, MODULE_NAME)),
    "ListOTAModuleByProduct": (Operations.list, (PRODUCT_KEY,)),
    "QueryProduct": (Operations.query_product, (PRODUCT_KEY,)),
    "QueryProductList": (Operations.query_products, (COMMODITY,)),
}
"""Each operation's function, and its parameters that have a rule."""


def _instance(parameters: Parameters) -> str | None:
    return parameters.get("IotInstanceId") or None


def _minute(moment: float) -> str:
    """Write a moment as the page's sample does: `2020-10-13T09:46Z`."""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(moment))


def _summary(product: Product) -> Body:
    return {
        "ProductKey": product.key,
        "ProductName": product.name,
        "NodeType": 0,
        "DataFormat": 1,
        "AuthType": "secret",
        "DeviceCount": 0,
        "GmtCreate": int(product.created * 1000),
    }


def _read_positive(text: str) -> int:
    """Return a number of up to nine digits; 0 for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
