"""What the pages of the OTA module operations demand of each parameter.

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
class Rule:
    """One parameter: what matches `pattern` as a whole is valid, and `says` tells the rule."""

    name: str
    needed: bool
    pattern: re.Pattern[str]
    says: str


PRODUCT_KEY = Rule("ProductKey", True, re.compile(r"\S{1,64}"), "1 to 64 characters without white space")
MODULE_NAME = Rule("ModuleName", True, re.compile(r"[A-Za-z0-9._-]{1,64}"), "1 to 64 letters, digits, periods, - and _")
ALIAS_NAME = Rule(
    "AliasName",
    False,
    re.compile(rf"[A-Za-z0-9._{_HAN}-]{{1,64}}"),
    "1 to 64 Chinese or English letters, digits, periods, - and _",
)
DESC = Rule("Desc", False, re.compile(r".{0,100}", re.DOTALL), "100 characters at most")
COMMODITY = Rule("AliyunCommodityCode", False, re.compile("iothub_senior|iothub"), "iothub_senior or iothub")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "CreateOTAModule": (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC),
    "UpdateOTAModule": (PRODUCT_KEY, MODULE_NAME, ALIAS_NAME, DESC),
    "DeleteOTAModule": (PRODUCT_KEY, MODULE_NAME),
    "ListOTAModuleByProduct": (PRODUCT_KEY,),
    "QueryProduct": (PRODUCT_KEY,),
    "QueryProductList": (COMMODITY,),
}


def check(operation: str, parameters: Mapping[str, str], quirks: Quirks) -> None:
    """Raises: RpcError, for the first parameter that breaks its rule."""
    for rule in RULES[operation]:
        value = parameters.get(rule.name)
        if rule.needed and not value:
            raise quirks.missing(rule.name)
        if value is not None and not rule.pattern.fullmatch(value):
            raise quirks.invalid(rule.name, rule.says)


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for, counted from 1."""

    number: int
    size: int


def page(parameters: Mapping[str, str]) -> Page:
    """Raises: BusinessError."""
    number, size = (_positive(parameters.get(name, "")) for name in ("CurrentPage", "PageSize"))
    if not number or not 0 < size <= PAGE_SIZE:
        raise BusinessError("iot.common.InvalidPageParams", f"CurrentPage from 1, PageSize from 1 to {PAGE_SIZE}.")
    return Page(number, size)


def deep_page(parameters: Mapping[str, str]) -> bool:
    """Whether it lies so far down that the cloud allows fewer such calls a second."""
    return _positive(parameters.get("CurrentPage", "")) * _positive(parameters.get("PageSize", "")) >= DEEP


def _positive(text: str) -> int:
    """0 for what is not a number of up to nine digits."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
