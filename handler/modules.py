"""Ensure one module: create it, read back where the answer leaves a doubt, compare, update where that is asked for."""

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import NamedTuple

from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled, Transient
from handler.iot import Module, Session
from handler.messages import NOTHING, Known, ModuleRequest
from handler.outcomes import Difference, Status, Why
from handler.retry import CALL, THROTTLED, Backoff, Random

MOST_CUSTOM_MODULES = 10
"""Modules of a product besides `default` (API reference, CreateOTAModule)."""
BUILT_IN = "default"

SECOND_LOOK = 1.0
"""Seconds until the list is read again before a refusal is believed: nothing says that it shows a module at once."""

SURELY_OLDER = 20 * 60.0
"""Seconds by which a module must be older than our call to be surely not ours: signatures allow 15 minutes of clock skew."""

LONGEST_AWAY = 8 * 24 * 3600.0
"""Seconds between two deliveries of a request at most: a queue keeps a message for seven days, and a stream one for a day."""


class Verdict(NamedTuple):
    """How a request ended, and why."""

    status: Status
    why: Why | None = None
    error: CallError | None = None
    request_id: str | None = None
    """The API's, of the call that decided."""
    drift: Mapping[str, Difference] = MappingProxyType({})
    known: Known = NOTHING


class GivenUp(NamedTuple):
    """A request that is not finished in this delivery."""

    error: CallError | OutOfTime
    known: Known


class Ensuring:
    """One request on its way to the module it asks for."""

    def __init__(self, request: ModuleRequest, session: Session, on_existing: str, random: Random) -> None:
        self._request = request
        self._session = session
        self._policy = request.OnExisting or on_existing
        self._random = random
        self._began = session.clock.wall()
        self._tried = request.Tried
        self._failed = False
        self._refused: Refused | None = None
        self._looks = 0
        self._updated = False
        self._update_accepted = False
        self._others = request.Theirs

    def run(self) -> Verdict | GivenUp:
        """Step until it is decided, or retries or time are used up."""
        failures = {CALL: 0, THROTTLED: 0}
        while True:
            try:
                verdict = self._step()
                if verdict is not None:
                    return verdict._replace(known=self._known(created=verdict.status == "created"))
            except OutOfTime as error:
                return self._given_up(error)
            except (Throttled, Transient) as error:
                backoff = THROTTLED if isinstance(error, Throttled) else CALL
                failures[backoff] += 1
                if failures[backoff] >= backoff.tries or not self._pause(backoff, failures[backoff]):
                    return self._given_up(error)
            except Misconfigured as error:
                return self._given_up(error)

    def _given_up(self, error: CallError | OutOfTime) -> GivenUp:
        return GivenUp(error, self._known())

    def _known(self, *, created: bool = False) -> Known:
        return Known(Tried=self._tried or created, Theirs=self._others and not created)

    def _pause(self, backoff: Backoff, failures: int) -> bool:
        try:
            self._session.sleep(backoff.pause(failures, self._random), "another try")
        except OutOfTime:
            return False
        return True

    def _step(self) -> Verdict | None:
        """One call; None where another step is needed."""
        if self._failed or self._tried or self._refused or self._updated:
            return self._read_back()
        return self._create()

    def _create(self) -> Verdict | None:
        try:
            wanted = _parameters(self._request, self._request.AliasName, self._request.Desc)
            return Verdict("created", request_id=self._session.create(wanted))
        except Throttled:
            raise
        except Transient as error:
            self._failed = True
            self._tried = self._tried or not isinstance(error, NotSent)
            raise
        except Refused as error:
            self._refused = error
            return None

    def _read_back(self) -> Verdict | None:
        try:
            modules = self._session.modules(_place(self._request))
        except Refused as error:
            # Only ProductKey and instance are in this call: it is the product that cannot be read.
            return Verdict("rejected", "product-unknown", self._refused or error)
        found = next((module for module in modules if module.ModuleName.lower() == self._request.key.name), None)
        return self._absent(modules) if found is None else self._present(found)

    def _absent(self, modules: list[Module]) -> Verdict | None:
        if self._refused is None:
            return self._create()
        if sum(module.ModuleName.lower() != BUILT_IN for module in modules) >= MOST_CUSTOM_MODULES:
            return Verdict("rejected", "limit", self._refused)
        self._looks += 1
        if self._looks == 1:
            self._session.sleep(SECOND_LOOK, "a second look at the product")
            return None
        return Verdict("rejected", "refused", self._refused)

    def _present(self, found: Module) -> Verdict | None:
        drift = differences(self._request, found)
        changed = {name for name in drift if name != "ModuleName"}
        if self._updated and not changed:
            return Verdict("updated")
        if self._tried and not drift and not self._others and not self._older(found):
            return Verdict("created")
        # Once seen as somebody else's, it is not ours only because an update of ours has made it what we want.
        self._others = True
        if self._policy == "fail":
            return Verdict("rejected", "exists", self._refused, drift=drift)
        if self._policy == "update" and changed and not self._update_accepted:
            return self._update(found)
        return Verdict("existing", drift=drift)

    def _update(self, found: Module) -> Verdict | None:
        # The effect of a field left out is not documented, so the one that stays is sent as it was found.
        alias = found.AliasName if self._request.AliasName is None else self._request.AliasName
        text = found.Desc if self._request.Desc is None else self._request.Desc
        try:
            wanted = {**_parameters(self._request, alias, text), "ModuleName": found.ModuleName}
            request_id = self._session.update(wanted)
        except (NotSent, Throttled):
            raise
        except Transient:
            self._updated = True
            raise
        except Refused as error:
            return Verdict("rejected", "refused", error)
        if text or not found.Desc:
            return Verdict("updated", request_id=request_id)
        # A description cannot be sent empty, only left out: whether that takes it away, the list says.
        self._updated = self._update_accepted = True
        return None

    def _older(self, found: Module) -> bool:
        """Whether the module was there before this request's first call, which an earlier delivery may have made."""
        made = moment(found.GmtCreate)
        away = LONGEST_AWAY * max(self._request.Attempt - 1, 1) if self._request.Tried else 0.0
        return made is not None and made < self._began - away - SURELY_OLDER


def ensure(request: ModuleRequest, session: Session, on_existing: str, random: Random) -> Verdict | GivenUp:
    """Have the module that a request asks for, exactly once, whatever the API answers or fails to answer."""
    return Ensuring(request, session, on_existing, random).run()


def differences(request: ModuleRequest, found: Module) -> dict[str, Difference]:
    """Where a module differs from what was asked for; a field that the request leaves out is not compared."""
    wanted = {"ModuleName": request.ModuleName, "AliasName": request.AliasName, "Desc": request.Desc}
    return {
        name: Difference(Wanted=value, Found=getattr(found, name))
        for name, value in wanted.items()
        if value is not None and value != getattr(found, name)
    }


def moment(text: str) -> float | None:
    """GmtCreate as unix seconds; None where it is in none of the formats seen ("Wed, 20-Feb-2019 02:16:09 GMT",
    "2020-10-13T09:46Z")."""
    for read in _READERS:
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _gmt(form: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        import calendar

        return float(calendar.timegm(time.strptime(text, form)))

    return read


_READERS: tuple[Callable[[str], float], ...] = (
    _gmt("%Y-%m-%dT%H:%MZ"),
    _gmt("%Y-%m-%dT%H:%M:%SZ"),
    _gmt("%Y-%m-%dT%H:%M:%S.%fZ"),
    lambda text: parsedate_to_datetime(text.replace("-", " ")).timestamp(),
)


def _place(request: ModuleRequest) -> dict[str, str]:
    place = {"ProductKey": request.ProductKey}
    return place if request.IotInstanceId is None else {**place, "IotInstanceId": request.IotInstanceId}


def _parameters(request: ModuleRequest, alias: str | None, text: str | None) -> dict[str, str]:
    optional = {"AliasName": alias, "Desc": text}
    present = {name: value for name, value in optional.items() if value}
    return {**_place(request), "ModuleName": request.ModuleName, **present}
