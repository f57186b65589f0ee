"""Draws the answers that the IoT Platform's documentation leaves open, so that nobody relies on one of them.

Codes that are on no page are made up after the patterns of related ones. The draws come from one seeded source.
"""

import math
import random
from collections.abc import Sequence

from emulator.iot.answers import Answers, ListShape
from emulator.iot.products import ProductsError, Rule
from emulator.iot.rpc import BusinessError, GatewayError, RpcError

_ILLEGAL = "iot.system.IllegalRequest"
_NO_INSTANCE = ("iot.system.InstanceNotFound", "iot.Sre.IotInstanceNotFound")
_REFUSALS: dict[Rule, tuple[str, tuple[str, ...]]] = {
    "UnknownInstance": ("No product lies in that instance.", _NO_INSTANCE),
    "InstanceNeeded": ("The product lies in an instance, and the call names none.", _NO_INSTANCE),
    "UnknownProduct": (
        "No such product, or none in the instance that the call names.", ("iot.prod.NotExistedProduct",),
    ),
    "UnknownModule": (
        "The product has no such module.",
        ("iot.ota.ModuleNotFound", "iot.ota.NotExistedModule", "iot.ota.OtaModuleNotExist"),
    ),
    "NameTaken": (
        "A module has that name already, letters compared without case.",
        ("iot.ota.AlreadyExistedModule", "iot.ota.ModuleNameIsAlreadyExisted", "iot.ota.DuplicatedModuleName", _ILLEGAL),
    ),
    "LimitReached": (
        "The product holds all the custom modules it may.",
        ("iot.ota.ModuleCountExceedMax", "iot.ota.ModuleCountExceeded", "iot.ota.TooManyModules", _ILLEGAL),
    ),
    "BuiltIn": (
        "`default` belongs to the product.", ("iot.ota.DefaultModuleNotAllowed", "iot.ota.InvalidModuleName", _ILLEGAL),
    ),
    "InUse": ("An update package belongs to the module.", ("iot.ota.ModuleHasFirmware", "iot.ota.ModuleInUse")),
}  # fmt: skip
"""The API's message for each rule that is broken, and its plausible codes."""
_MISSING_BUSINESS = {"ProductKey": "iot.prod.NullProductKey"}
_INVALID_BUSINESS = {"ProductKey": "iot.prod.InvalidFormattedProductkey"}


class Quirks:
    """Answers to open questions. Those that hold for a platform as a whole are drawn once, and may be set."""

    def __init__(self, random_source: random.Random, answers: Answers | None = None) -> None:
        self._random = random_source
        answers = answers or Answers()
        self._codes = answers.codes
        self.list_shape: ListShape | None = answers.list_shape
        """None: each answer draws one, mostly the array."""
        self.lists_default = self._toss()
        """ListOTAModuleByProduct shows `default` too."""
        self.update_clears = self._toss()
        """UpdateOTAModule clears the fields that a call leaves out; else it keeps them."""
        self.null_absent = self._toss()
        """A list leaves out an alias or description that was never given; else it is empty."""
        for name in ("lists_default", "update_clears", "null_absent"):
            if (known := getattr(answers, name)) is not None:
                setattr(self, name, known)

    def refuse(self, error: ProductsError) -> RpcError:
        message, codes = _REFUSALS[error.rule]
        return BusinessError(self._codes.get(error.rule) or self._random.choice(codes), message)

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
        """`wait` in seconds. No page says what the answer is; newer clients read a header, in milliseconds."""
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
        """Draw the code: the page of error codes lists none for parameters."""
        errors = [GatewayError(400, code, message) for code in gateway]
        return self._random.choice([*errors, BusinessError(business or "iot.system.IllegalRequest", message)])

    def _toss(self) -> bool:
        return self._random.random() < 0.5
