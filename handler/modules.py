"""Ensures one module: creates it, reads back if the answer leaves a doubt, compares, updates if asked to."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled, Transient, Unanswered
from handler.iot import Module, Session
from handler.messages import NOTHING, Known, ModuleRequest
from handler.moments import unix_seconds
from handler.outcomes import Difference, Status, Why
from handler.retry import CALL, THROTTLED, Backoff, Random

MOST_CUSTOM_MODULES = 10
"""Modules of a product besides `default` (API reference, CreateOTAModule)."""
BUILT_IN = "default"

SECOND_LOOK = 1.0
"""Seconds until the list is read again to confirm a refusal: no page says that it shows a module at once."""

SURELY_OLDER = 20 * 60.0
"""Seconds by which a module must be older than our call to be surely not ours, if the API's clock is unknown: signatures
allow 15 minutes of clock skew."""
ROUNDED = 2 * 60.0
"""The same if it is known: GmtCreate may be rounded down to a minute, and our machines may differ by seconds."""


class Verdict(NamedTuple):
    """Says how a request ended, and why."""

    status: Status
    why: Why | None = None
    error: CallError | None = None
    request_id: str | None = None
    """The API's, of the call that decided."""
    drift: Mapping[str, Difference] = MappingProxyType({})
    known: Known = NOTHING


class GivenUp(NamedTuple):
    """A request that is not finished in this delivery; `error` may be a fault of the function's own."""

    error: Exception
    known: Known
    counts: bool = False
    """Whether a call failed, not because of the deployment or the deadline."""


class Ensuring:
    """Ensures the module of one request; see `ensure`."""

    def __init__(self, request: ModuleRequest, session: Session, on_existing: str, random: Random) -> None:
        self._request = request
        self._session = session
        self._policy = request.OnExisting or on_existing
        self._random = random
        self._tried = self._first_tried()
        self._theirs = request.Theirs
        self._updated = self._update_sent = request.Updated and self._policy == "update"
        self._reads_back = bool(self._tried or self._updated)
        self._refused: Refused | None = None
        self._second_look = False
        self._failure: CallError | None = None

    def _first_tried(self) -> int:
        """Return when an earlier delivery first tried, in unix seconds; for `true`, the first time known of the request."""
        if self._request.Tried is True:
            return self._request.Since or int(self._session.clock.wall())
        return int(self._request.Tried)

    def run(self) -> Verdict | GivenUp:
        """Create and read back until decided, or until retries or time are used up."""
        failures = {CALL: 0, THROTTLED: 0}
        while True:
            try:
                verdict = self._read_back() if self._reads_back else self._create()
            except (Throttled, Transient, OutOfTime) as error:
                if isinstance(error, OutOfTime) or not self._tries_again(error, failures):
                    return GivenUp(self._failure or error, self._known(), counts=self._failure is not None)
            except Exception as error:  # noqa: BLE001 - an internal error must not lose what is known
                return GivenUp(error, self._known(), counts=not isinstance(error, Misconfigured))
            else:
                if verdict is not None:
                    return verdict._replace(known=self._known())

    def _tries_again(self, error: Throttled | Transient, failures: dict[Backoff, int]) -> bool:
        """Wait for another try; return False if there is none."""
        if self._session.is_over and isinstance(error, Transient):
            return False  # the deadline cut the call, so it is unknown what the API would have answered
        self._failure = error.with_traceback(None)  # the traceback's frames hold this object
        backoff = THROTTLED if isinstance(error, Throttled) else CALL
        failures[backoff] += 1
        if failures[backoff] < backoff.tries:
            with suppress(OutOfTime):
                self._session.sleep(backoff.pause(failures[backoff], self._random), "another try")
                return True
        return False

    def _known(self) -> Known:
        return Known(self._tried, self._theirs, self._updated)

    def _create(self) -> Verdict | None:
        calls = self._session.usage.calls
        try:
            wanted = _parameters(self._request, self._request.AliasName, self._request.Desc)
            request_id = self._session.create(wanted)
        except Refused as error:
            self._refused, self._reads_back = error.with_traceback(None), True
            return None
        except (Throttled, Misconfigured, OutOfTime):
            raise  # it had no effect
        except Exception as error:
            self._reads_back = True
            if self._session.usage.calls > calls and not isinstance(error, NotSent):
                self._remember_try()
            raise
        self._remember_try()
        self._theirs = False
        return Verdict("created", request_id=request_id)

    def _remember_try(self) -> None:
        """Remember the call: a module that is no older may be the request's own."""
        self._tried = self._tried or int(self._session.left)

    def _read_back(self) -> Verdict | None:
        try:
            listing = self._session.list_modules(_place(self._request))
        except Refused as error:
            return Verdict("rejected", "product-unknown", self._refused or error)
        if listing.modules is None:
            if self._refused is None and not self._update_sent:
                return self._create()  # safe, whatever exists
            raise self._unexplained(Unanswered("NoData", "the list of modules came without Data"))
        name = self._request.key.name
        found = next((module for module in listing.modules if module.ModuleName.lower() == name), None)
        return self._decide_absent(listing.modules) if found is None else self._decide_present(found, listing.moment)

    def _unexplained(self, error: CallError) -> Unanswered:
        shown = self._refused or error
        return Unanswered(shown.code, shown.text, request_id=shown.request_id)

    def _decide_absent(self, modules: Sequence[Module]) -> Verdict | None:
        if self._refused is None:
            return self._create()
        if sum(module.ModuleName.lower() != BUILT_IN for module in modules) >= MOST_CUSTOM_MODULES:
            return Verdict("rejected", "limit", self._refused)
        if not self._second_look:
            self._second_look = True
            self._session.sleep(SECOND_LOOK, "a second look at the product")
            return None
        if self._tried:
            # The unanswered call may still be running, and be the reason for this refusal.
            raise self._unexplained(self._refused)
        return Verdict("rejected", "refused", self._refused)

    def _decide_present(self, module: Module, moment: float | None) -> Verdict | None:
        drift = differences(self._request, module)
        changed = drift.keys() - {"ModuleName"}
        if self._updated or (self._update_sent and not changed):
            # A description that remains could not be removed; any other difference was made by somebody later.
            kept = self._request.Desc == "" and "Desc" in changed
            return Verdict("existing", drift=drift) if kept else Verdict("updated")
        if self._tried and not drift and not self._theirs and not self._is_older(module, moment):
            return Verdict("created")
        # Once seen as somebody else's, it stays so, even after our update has made it match.
        self._theirs = True
        if self._policy == "fail":
            return Verdict("rejected", "exists", self._refused, drift=drift)
        if self._policy == "update" and changed:
            return self._update(module)
        return Verdict("existing", drift=drift)

    def _update(self, module: Module) -> Verdict | None:
        # The effect of omitting a field is not documented, so an unchanged one is sent as it was found.
        alias = module.AliasName if self._request.AliasName is None else self._request.AliasName
        text = module.Desc if self._request.Desc is None else self._request.Desc
        try:
            wanted = {**_parameters(self._request, alias, text), "ModuleName": module.ModuleName}
            request_id = self._session.update(wanted)
        except (NotSent, Throttled):
            raise
        except Transient:
            self._update_sent = True
            raise
        except Refused as error:
            return Verdict("rejected", "refused", error)
        self._updated = self._update_sent = True
        # A description cannot be sent empty, only left out: the list shows whether that removes it.
        return Verdict("updated", request_id=request_id) if text or not module.Desc else None

    def _is_older(self, module: Module, moment: float | None) -> bool:
        """Tell whether the module existed before the first call of this request that may have made it.

        `moment` is the API's clock at the time of the list, if known.
        """
        made = unix_seconds(module.GmtCreate)
        if made is None:
            return False
        ahead, doubt = (0.0, SURELY_OLDER) if moment is None else (moment - self._session.clock.wall(), ROUNDED)
        return made < self._tried + ahead - doubt


def ensure(request: ModuleRequest, session: Session, on_existing: str, random: Random) -> Verdict | GivenUp:
    """Ensure the module that a request asks for, exactly once, whatever the API answers or fails to answer."""
    return Ensuring(request, session, on_existing, random).run()


def differences(request: ModuleRequest, module: Module) -> dict[str, Difference]:
    """Compare a module with what was asked for; a field that the request leaves out may be anything."""
    wanted = {"ModuleName": request.ModuleName, "AliasName": request.AliasName, "Desc": request.Desc}
    return {
        name: Difference(Wanted=value, Found=getattr(module, name))
        for name, value in wanted.items()
        if value is not None and value != getattr(module, name)
    }


def _place(request: ModuleRequest) -> dict[str, str]:
    place = {"ProductKey": request.ProductKey}
    return place if request.IotInstanceId is None else {**place, "IotInstanceId": request.IotInstanceId}


def _parameters(request: ModuleRequest, alias: str | None, text: str | None) -> dict[str, str]:
    optional = {"AliasName": alias, "Desc": text}
    present = {name: value for name, value in optional.items() if value}
    return {**_place(request), "ModuleName": request.ModuleName, **present}
