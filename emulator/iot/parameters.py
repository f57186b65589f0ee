"""What each parameter must be, by the pages of the OTA module operations.

Sources: https://www.alibabacloud.com/help/doc-detail/186066.htm and its neighbours; letters of an alias may be Chinese.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.iot.quirks import Quirks
from emulator.iot.rpc import BusinessError

PAGE_SIZE = 200
DEEP = 100_000
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"


@dataclass(frozen=True)
class Parameter:
    """A parameter whose whole value must match `pattern`; `rule` says so in words."""

    name: str
    required: bool
    pattern: re.Pattern[str]
    rule: str


PRODUCT_KEY = Parameter("ProductKey", True, re.compile(r"\S{1,64}"), "1 to 64 characters without white space")
MODULE_NAME = Parameter(
    "ModuleName", True, re.compile(r"[A-Za-z0-9._-]{1,64}"), "1 to 64 letters, digits, periods, - and _"
)
ALIAS_NAME = Parameter(
    "AliasName",
    False,
    re.compile(rf"[A-Za-z0-9._{_HAN}-]{{1,64}}"),
    "1 to 64 Chinese or English letters, digits, periods, - and _",
)
DESC = Parameter("Desc", False, re.compile(r".{0,100}", re.DOTALL), "100 characters at most")
COMMODITY = Parameter("AliyunCommodityCode", False, re.compile("iothub_senior|iothub"), "iothub_senior or iothub")

PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {
    "CreateOTAModule": (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC),
    "UpdateOTAModule": (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC),
    "DeleteOTAModule": (PRODUCT_KEY, MODULE_NAME),
    "ListOTAModuleByProduct": (PRODUCT_KEY,),
    "QueryProduct": (PRODUCT_KEY,),
    "QueryProductList": (COMMODITY,),
}


def check(operation: str, parameters: Mapping[str, str], quirks: Quirks) -> None:
    """Raises: RpcError, for the first parameter that breaks its rule."""
    for parameter in PARAMETERS[operation]:
        value = parameters.get(parameter.name)
        if parameter.required and not value:
            raise quirks.missing(parameter.name)
        if value is not None and not parameter.pattern.fullmatch(value):
            raise quirks.invalid(parameter.name, parameter.rule)


@dataclass(frozen=True)
class Page:
    """The page of a list that is asked for, counted from 1."""

    number: int
    size: int


def read_page(parameters: Mapping[str, str]) -> Page:
    """Raises: BusinessError."""
    number, size = (_positive(parameters.get(name, "")) for name in ("CurrentPage", "PageSize"))
    if not number or not 0 < size <= PAGE_SIZE:
        raise BusinessError("iot.common.InvalidPageParams", f"CurrentPage from 1, PageSize from 1 to {PAGE_SIZE}.")
    return Page(number, size)


def deep_page(parameters: Mapping[str, str]) -> bool:
    """Whether a page is so far down its list that fewer such calls pass in a second."""
    return _positive(parameters.get("CurrentPage", "")) * _positive(parameters.get("PageSize", "")) >= DEEP


def _positive(text: str) -> int:
    """Return a number of up to nine digits; 0 for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
