"""The products of the local IoT Platform, and their OTA modules; in a file, they outlive the process."""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import yaml
from pydantic import TypeAdapter

from emulator.database import Database

SEED = Path(__file__).with_name("products.yml")
DEFAULT_MODULE = "default"
CUSTOM_MODULES = 10
"""The number of modules that a product may have beside `default`."""

Rule = Literal[
    "UnknownInstance", "InstanceNeeded", "UnknownProduct", "UnknownModule", "NameTaken", "LimitReached", "BuiltIn", "InUse"
]  # fmt: skip
"""The rules that an operation on products can break; `emulator.iot.quirks` has the answers."""
_SCHEMA = "CREATE TABLE products (key TEXT PRIMARY KEY, product TEXT NOT NULL);"
_KEEP = "INSERT INTO products VALUES (?, ?) ON CONFLICT DO UPDATE SET product = excluded.product"


class ProductsError(Exception):
    """An operation on products breaks a rule."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.rule: Rule = rule


@dataclass(frozen=True)
class Module:
    """A unit of a device that can be updated. Times in unix seconds; `packages` counts its update packages."""

    name: str
    alias: str | None = None
    desc: str | None = None
    created: float = 0.0
    modified: float = 0.0
    packages: int = 0

    @property
    def custom(self) -> bool:
        return self.name != DEFAULT_MODULE


@dataclass(frozen=True)
class Product:
    """A product at one moment; `created` in unix seconds."""

    key: str
    name: str
    instance: str | None = None
    commodity: str = "iothub_senior"
    created: float = 0.0
    modules: tuple[Module, ...] = ()

    @property
    def custom_modules(self) -> tuple[Module, ...]:
        return tuple(module for module in self.modules if module.custom)

    def module(self, name: str) -> Module | None:
        """Return a module by its name, in any case."""
        return next((module for module in self.modules if module.name.casefold() == name.casefold()), None)


_PRODUCT = TypeAdapter(Product)


@functools.cache
def read_seeds() -> tuple[Product, ...]:
    """Read the products with which the platform starts."""
    content = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    return TypeAdapter(tuple[Product, ...]).validate_python(content["products"])


class Products:
    """The products of one account and region, first those of the seed file; kept at `path`, if given. `wall`: unix seconds."""

    def __init__(self, wall: Callable[[], float] = time.time, path: str | None = None) -> None:
        self._wall = wall
        self._database = None if path is None else Database(path, _SCHEMA)
        rows = self._database.rows("SELECT key, product FROM products ORDER BY rowid") if self._database else ()
        self._products = {row["key"]: _PRODUCT.validate_json(row["product"]) for row in rows}
        for product in read_seeds():
            if product.key not in self._products:
                self.add(product)

    def __iter__(self) -> Iterator[Product]:
        """Yield the products in the order in which they were added."""
        return iter(tuple(self._products.values()))

    def add(self, product: Product, age: float = 0.0) -> None:
        """Add a product and `default`, as if it had been created, with its modules, `age` seconds ago."""
        created = self._wall() - age
        modules = (Module(DEFAULT_MODULE), *product.modules)
        modules = tuple(replace(module, created=created, modified=created) for module in modules)
        self._keep(replace(product, created=created), modules)

    def within(self, instance: str | None) -> list[Product]:
        """Return the products of an instance, newest first. Raises: ProductsError."""
        products = [product for product in self if product.instance == instance]
        if instance is not None and not products:
            raise ProductsError("UnknownInstance")
        return products[::-1]

    def find(self, key: str, instance: str | None) -> Product:
        """Return a product of an instance; None for a product without an instance. Raises: ProductsError."""
        product = self._products.get(key)
        if instance is None and product is not None and product.instance is not None:
            raise ProductsError("InstanceNeeded")
        if product not in self.within(instance) or product is None:
            raise ProductsError("UnknownProduct")
        return product

    def create_module(self, product: Product, name: str, alias: str | None, desc: str | None) -> None:
        """Raises: ProductsError."""
        if product.module(name) is not None:
            raise ProductsError("NameTaken")
        if len(product.custom_modules) >= CUSTOM_MODULES:
            raise ProductsError("LimitReached")
        now = self._wall()
        self._keep(product, (*product.modules, Module(name, alias, desc, now, now)))

    def update_module(self, product: Product, name: str, alias: str | None, desc: str | None) -> None:
        """Raises: ProductsError."""
        module = self._custom_module(product, name)
        changed = replace(module, alias=alias, desc=desc, modified=self._wall())
        self._keep(product, tuple(changed if known is module else known for known in product.modules))

    def delete_module(self, product: Product, name: str) -> None:
        """Raises: ProductsError."""
        module = self._custom_module(product, name)
        if module.packages:
            raise ProductsError("InUse")
        self._keep(product, tuple(known for known in product.modules if known is not module))

    def _keep(self, product: Product, modules: tuple[Module, ...]) -> None:
        changed = self._products[product.key] = replace(product, modules=modules)
        if self._database is not None:
            self._database.change(_KEEP, (product.key, _PRODUCT.dump_json(changed).decode()))

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    @staticmethod
    def _custom_module(product: Product, name: str) -> Module:
        module = product.module(name)
        if module is None:
            raise ProductsError("UnknownModule")
        if not module.custom:
            raise ProductsError("BuiltIn")
        return module
