"""The modules of the simulated account: who made each, when, and all that each ever was."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.calls import Sent

MOST_CUSTOM = 10
GOOD, OTHER, OVERDUE, WRONG, NONE = "iot-good", "iot-other", "iot-overdue", "iot-wrong", ""
"""Instances: two that work, one in arrears, one that does not exist; and no instance, where a call names none."""

Place = tuple[str, str]
"""An instance and a product."""
Key = tuple[str, str, str]
"""Instance, product and name in lower case: what makes two requests mean the same module."""


@dataclass(frozen=True)
class State:
    """How a module looked from a time on, and whose call made it so; None: somebody else's."""

    since: float
    alias: str = ""
    desc: str = ""
    by: "Sent | None" = None

    @property
    def fields(self) -> tuple[str, str]:
        return self.alias, self.desc


@dataclass
class Module:
    """A module, and all that it ever was."""

    name: str
    states: list[State]

    @property
    def made(self) -> float:
        return self.states[0].since

    @property
    def maker(self) -> "Sent | None":
        return self.states[0].by

    def at(self, then: float) -> State:
        if self.states[-1].since <= then:
            return self.states[-1]
        return next((state for state in reversed(self.states) if state.since <= then), self.states[0])

    def since(self, then: float) -> list[State]:
        """The states that it had at that time or later."""
        return [self.at(then), *(state for state in self.states if state.since > then)]


@dataclass
class Account:
    """Products by place; an instance that has none does not exist, as far as calls can tell."""

    products: dict[Place, dict[str, Module]] = field(default_factory=dict)
    instances: frozenset[str] = frozenset({GOOD, OTHER, OVERDUE, NONE})

    def module(self, key: Key) -> Module | None:
        return self.products.get(key[:2], {}).get(key[2])

    def add(self, place: Place, name: str, state: State) -> bool:
        """Make a module, where the product exists and there is room for it."""
        modules = self.products.get(place)
        if modules is None or name.lower() in modules or len(modules) >= MOST_CUSTOM:
            return False
        modules[name.lower()] = Module(name, [state])
        return True

    def was_full(self, place: Place, during: float) -> bool:
        """Whether a product holds as many modules as it can, and did so at a time."""
        return sum(module.made <= during for module in self.products.get(place, {}).values()) >= MOST_CUSTOM
