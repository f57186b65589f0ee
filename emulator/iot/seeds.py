"""Reads the file of products that the IoT Platform starts with."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

SEED = Path(__file__).with_name("products.yml")
DEFAULT_MODULE = "default"
CUSTOM_MODULES = 10
"""How many modules a product may have beside `default`."""


class SeedError(Exception):
    """A file of products is not valid."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedModule(_Strict):
    name: str
    alias: str | None = None
    desc: str | None = None
    packages: int = 0
    """Update packages that belong to it: it cannot be deleted while it has any."""


class SeedProduct(_Strict):
    """A product and its custom modules: every product has `default`."""

    key: str
    name: str
    instance: str | None = None
    commodity: str = "iothub_senior"
    modules: tuple[SeedModule, ...] = Field(default=(), max_length=CUSTOM_MODULES)

    @model_validator(mode="after")
    def _module_names_differ(self) -> "SeedProduct":
        names = [DEFAULT_MODULE, *(module.name.casefold() for module in self.modules)]
        if len(set(names)) < len(names):
            raise ValueError("two modules of one name, or one named default")
        return self


class Seed(_Strict):
    products: tuple[SeedProduct, ...]

    @model_validator(mode="after")
    def _keys_differ(self) -> "Seed":
        if len({product.key for product in self.products}) < len(self.products):
            raise ValueError("two products of one key")
        return self


def read(path: Path) -> tuple[SeedProduct, ...]:
    """Raises: SeedError, OSError."""
    try:
        return Seed.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).products
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise SeedError(f"{path}: {error}") from error
