"""Draws what the IoT Platform's documentation leaves open, so that nobody relies on one answer.

Codes that stand on no page are made up after the patterns of related ones. The draws come from one seeded source.
"""

import math
import random
from collections.abc import Sequence
from typing import Literal

from emulator.iot import products
from emulator.iot.answers import Answers
from emulator.iot.rpc import BusinessError, GatewayError, RpcError

ListShape = Literal["array", "object", "wrapped", "null"]
"""ListOTAModuleByProduct's Data in JSON: the page's table and the newer SDK say array, its sample shows one object, a
model of an older SDK wraps the array in OtaModuleDTO. `object` applies to one module and `null` to none."""

_REFUSALS: dict[type[products.ProductsError], tuple[str, tuple[str, ...]]] = {
    products.UnknownInstance: (
        "No product lies in that instance.",
        ("iot.system.InstanceNotFound", "iot.Sre.IotInstanceNotFound"),
    ),
    products.InstanceNeeded: (
        "The product lies in an instance, and the call names none.",
        ("iot.system.InstanceNotFound", "iot.Sre.IotInstanceNotFound"),
    ),
    products.UnknownProduct: (
        "No such product, or none in the instance that the call names.",
        ("iot.prod.NotExistedProduct",),
    ),
    products.UnknownModule: (
        "The product has no such module.",
        ("iot.ota.ModuleNotFound", "iot.ota.NotExistedModule", "iot.ota.OtaModuleNotExist"),
    ),
    products.NameTaken: (
        "A module has that name already, letters compared without case.",
        (
            "iot.ota.AlreadyExistedModule",
            "iot.ota.ModuleNameIsAlreadyExisted",
            "iot.ota.DuplicatedModuleName",
            "iot.system.IllegalRequest",
        ),
    ),
    products.LimitReached: (
        "The product holds all the custom modules it may.",
        (
            "iot.ota.ModuleCountExceedMax",
            "iot.ota.ModuleCountExceeded",
            "iot.ota.TooManyModules",
            "iot.system.IllegalRequest",
        ),
    ),
    products.BuiltIn: (
        "`default` belongs to the product.",
        ("iot.ota.DefaultModuleNotAllowed", "iot.ota.InvalidModuleName", "iot.system.IllegalRequest"),
    ),
    products.InUse: ("An update package belongs to the module.", ("iot.ota.ModuleHasFirmware", "iot.ota.ModuleInUse")),
}
"""The API's message for each error, and its plausible codes."""
_MISSING_BUSINESS = {"ProductKey": "iot.prod.NullProductKey"}
_INVALID_BUSINESS = {"ProductKey": "iot.prod.InvalidFormattedProductkey"}


class Quirks:
    """Answers to open questions. What holds for a platform as a whole is drawn once, and may be set."""

    def __init__(self, random_source: random.Random, answers: Answers | None = None) -> None:
        self._random = random_source
        self._codes = answers.codes if answers else {}
        self.list_shape: ListShape | None = None
        """None: each answer draws one, mostly the array."""
        self.lists_default = self._toss()
        """Whether ListOTAModuleByProduct shows `default` too."""
        self.update_clears = self._toss()
        """Whether UpdateOTAModule clears what a call leaves out, or keeps it."""
        self.null_absent = self._toss()
        """Whether an alias or description that was never given is left out of a list, or empty."""
        for name, value in (answers.fields if answers else {}).items():
            setattr(self, name, value)

    def refusal(self, error: products.ProductsError) -> RpcError:
        message, codes = _REFUSALS[type(error)]
        return BusinessError(self._codes.get(type(error).__name__) or self._random.choice(codes), message)

    def missing(self, name: str) -> RpcError:
        message = f"{name} is mandatory for this action."
        return self._parameter_error((f"Missing{name}", "MissingParameter"), _MISSING_BUSINESS.get(name), message)

    def invalid(self, name: str, rule: str) -> RpcError:
        message = f"Specified parameter {name} is not valid: {rule}."
        return self._parameter_error((f"Invalid{name}", "InvalidParameter"), _INVALID_BUSINESS.get(name), message)

    def forbidden(self, action: str) -> RpcError:
        message = f"The caller is not authorized to do {action}."
        errors: Sequence[RpcError] = (
            GatewayError(403, "Forbidden.RAM", message),
            GatewayError(403, "Forbidden", message),
            BusinessError("iot.common.RamActionPermissionDeny", message),
        )
        return self._random.choice(errors)

    def throttled(self, wait: float) -> GatewayError:
        """`wait` in seconds. No page says what overrunning returns; newer clients know it by a header, in ms."""
        headers = {"x-acs-retry-after": str(math.ceil(wait * 1000))} if self._toss() else {}
        return GatewayError(400, "Throttling.User", "Request was denied due to user flow control.", headers)

    def shape_list(self, modules: list[dict[str, object]]) -> object:
        """Return the `Data` of a list in JSON."""
        shape = self.list_shape or self._random.choices(("array", "object", "wrapped", "null"), (7, 1, 1, 1))[0]
        if shape == "wrapped":
            return {"OtaModuleDTO": modules}
        if shape == "object" and len(modules) == 1:
            return modules[0]
        return None if shape == "null" and not modules else modules

    def _parameter_error(self, gateway: Sequence[str], business: str | None, message: str) -> RpcError:
        """The error-code page says only that it does not list these."""
        errors = [GatewayError(400, code, message) for code in gateway]
        return self._random.choice([*errors, BusinessError(business or "iot.system.IllegalRequest", message)])

    def _toss(self) -> bool:
        return self._random.random() < 0.5
