"""The operations of the IoT Platform, and their answers' bodies without RequestId and Success."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from emulator.iot.parameters import check, read_page
from emulator.iot.products import Module, Product, Products, ProductsError
from emulator.iot.quirks import Quirks

Parameters = Mapping[str, str]
Body = dict[str, Any]


class Operations:
    """The operations by their names."""

    def __init__(self, products: Products, quirks: Quirks) -> None:
        self._products = products
        self._quirks = quirks
        self._by_name: dict[str, Callable[[Parameters], Body]] = {
            "CreateOTAModule": self._create,
            "UpdateOTAModule": self._update,
            "DeleteOTAModule": self._delete,
            "ListOTAModuleByProduct": self._list,
            "QueryProduct": self._query_product,
            "QueryProductList": self._query_products,
        }

    def __contains__(self, operation: str) -> bool:
        return operation in self._by_name

    def perform(self, operation: str, parameters: Parameters) -> Body:
        """Raises: RpcError."""
        check(operation, parameters, self._quirks)
        try:
            return self._by_name[operation](parameters)
        except ProductsError as error:
            raise self._quirks.refusal(error) from error

    def _product(self, parameters: Parameters) -> Product:
        return self._products.find(parameters["ProductKey"], _instance(parameters))

    def _create(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        alias, desc = parameters.get("AliasName"), parameters.get("Desc")
        self._products.create_module(product, parameters["ModuleName"], alias, desc)
        return {}

    def _update(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        kept = None if self._quirks.update_clears else product.module(parameters["ModuleName"])
        alias = parameters.get("AliasName", kept.alias if kept else None)
        desc = parameters.get("Desc", kept.desc if kept else None)
        self._products.update_module(product, parameters["ModuleName"], alias, desc)
        return {}

    def _delete(self, parameters: Parameters) -> Body:
        self._products.delete_module(self._product(parameters), parameters["ModuleName"])
        return {}

    def _list(self, parameters: Parameters) -> Body:
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

    def _query_product(self, parameters: Parameters) -> Body:
        product = self._product(parameters)
        own = {
            "AliyunCommodityCode": product.commodity,
            "Owner": True,
            "ProductSecret": hashlib.sha256(product.key.encode()).hexdigest()[:16],
            "ProductStatus": "DEVELOPMENT_STATUS",
            "ProtocolType": "mqtt",
        }
        return {"Data": {**_summary(product), **own}, "Code": ""}

    def _query_products(self, parameters: Parameters) -> Body:
        page = read_page(parameters)
        products = self._products.within(_instance(parameters))
        if commodity := parameters.get("AliyunCommodityCode"):
            products = [product for product in products if product.commodity == commodity]
        start = (page.number - 1) * page.size
        data = {
            "PageCount": -(-len(products) // page.size),
            "PageSize": page.size,
            "CurrentPage": page.number,
            "Total": len(products),
            "List": {"ProductInfo": [_summary(product) for product in products[start : start + page.size]]},
        }
        return {"Data": data, "Code": ""}


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
