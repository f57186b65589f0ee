"""The products of the local IoT Platform, and their OTA modules.

ProductsError
├── UnknownInstance, InstanceNeeded, UnknownProduct
└── UnknownModule, NameTaken, LimitReached, BuiltIn, InUse
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from emulator.iot import seeds
from emulator.iot.seeds import CUSTOM_MODULES, DEFAULT_MODULE


class ProductsError(Exception):
    """An operation on products that cannot be performed."""


class UnknownInstance(ProductsError):
    """No product lies in that instance."""


class InstanceNeeded(ProductsError):
    """The product lies in an instance, and the call names none."""


class UnknownProduct(ProductsError):
    """No such product, or none in the instance that the call names."""


class UnknownModule(ProductsError):
    """The product has no such module."""


class NameTaken(ProductsError):
    """A module has that name already, letters compared without case."""


class LimitReached(ProductsError):
    """The product holds all the custom modules it may."""


class BuiltIn(ProductsError):
    """`default` belongs to the product."""


class InUse(ProductsError):
    """An update package belongs to the module."""


@dataclass(frozen=True)
class Module:
    """A unit of a device that can be updated. Moments are unix seconds; `packages` counts its update packages."""

    name: str
    alias: str | None
    desc: str | None
    created: float
    modified: float
    packages: int = 0

    @property
    def custom(self) -> bool:
        return self.name != DEFAULT_MODULE


@dataclass(frozen=True)
class Product:
    """A product as it stood when it was read; `created` in unix seconds."""

    key: str
    name: str
    instance: str | None
    commodity: str
    created: float
    modules: tuple[Module, ...]

    @property
    def custom_modules(self) -> tuple[Module, ...]:
        return tuple(module for module in self.modules if module.custom)

    def module(self, name: str) -> Module | None:
        """Return a module by its name, in any case."""
        return next((module for module in self.modules if module.name.casefold() == name.casefold()), None)


class Products:
    """The products of one account and region. `wall` gives unix seconds."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._products: dict[str, Product] = {}

    def __iter__(self) -> Iterator[Product]:
        """In the order in which they were added."""
        return iter(tuple(self._products.values()))

    def load(self, path: Path = seeds.SEED) -> None:
        """Add the products of a YAML file; those that are here already start anew.

        Raises: SeedError, OSError.
        """
        for product in seeds.read(path):
            self.add(product)

    def add(self, seed: seeds.SeedProduct, age: float = 0.0) -> Product:
        """Add a product that was created, with its modules, `age` seconds ago."""
        created = self._wall() - age
        all_modules = (seeds.SeedModule(name=DEFAULT_MODULE), *seed.modules)
        modules = tuple(Module(m.name, m.alias, m.desc, created, created, m.packages) for m in all_modules)
        product = Product(seed.key, seed.name, seed.instance, seed.commodity, created, modules)
        self._products[product.key] = product
        return product

    def within(self, instance: str | None) -> list[Product]:
        """Return the products of an instance, newest first. Raises: UnknownInstance."""
        products = [product for product in self if product.instance == instance]
        if instance is not None and not products:
            raise UnknownInstance(instance)
        return products[::-1]

    def find(self, key: str, instance: str | None) -> Product:
        """Return a product of an instance; None for one that belongs to no instance.

        Raises: UnknownInstance, InstanceNeeded, UnknownProduct.
        """
        product = self._products.get(key)
        if instance is None and product is not None and product.instance is not None:
            raise InstanceNeeded(key)
        if product not in self.within(instance) or product is None:
            raise UnknownProduct(key)
        return product

    def create_module(self, product: Product, name: str, alias: str | None, desc: str | None) -> None:
        """Raises: NameTaken, LimitReached."""
        if product.module(name) is not None:
            raise NameTaken(name)
        if len(product.custom_modules) >= CUSTOM_MODULES:
            raise LimitReached(product.key)
        now = self._wall()
        self._keep(product, (*product.modules, Module(name, alias, desc, now, now)))

    def update_module(self, product: Product, name: str, alias: str | None, desc: str | None) -> None:
        """Raises: UnknownModule, BuiltIn."""
        module = self._custom(product, name)
        changed = replace(module, alias=alias, desc=desc, modified=self._wall())
        self._keep(product, tuple(changed if known is module else known for known in product.modules))

    def delete_module(self, product: Product, name: str) -> None:
        """Raises: UnknownModule, BuiltIn, InUse."""
        module = self._custom(product, name)
        if module.packages:
            raise InUse(name)
        self._keep(product, tuple(known for known in product.modules if known is not module))

    def _keep(self, product: Product, modules: tuple[Module, ...]) -> None:
        self._products[product.key] = replace(product, modules=modules)

    @staticmethod
    def _custom(product: Product, name: str) -> Module:
        module = product.module(name)
        if module is None:
            raise UnknownModule(name)
        if not module.custom:
            raise BuiltIn(name)
        return module
