"""Faults that were once there, each as it would come back into the function as it is now."""

from tests.mutants.faults import Mutant

SCENARIOS = ("tests/simulation/test_defects.py",)
IOT, PUTTING_BACK = ("tests/handler/test_iot.py",), ("tests/handler/test_putting_back.py",)

DEFECTS = (
    Mutant(
        "what one instance refuses holds for all instances",
        "iot.py",
        "self._reasons.get((action, instance))",
        "next((each for (of, _), each in self._reasons.items() if of == action), None)",
        SCENARIOS,
    ),
    Mutant(
        "one error is raised for every request that it stops",
        "iot.py",
        "raise Misconfigured(error.code, error.text, request_id=error.request_id, setting=error.setting)",
        "raise error",
        IOT,
    ),
    Mutant(
        "a module of yesterday counts as made by a call of today",
        "modules.py",
        "return made < self._tried - SURELY_OLDER",
        "return False",
        SCENARIOS,
    ),
    Mutant(
        "a request that lacks a permission makes its batch come again",
        "pipeline.py",
        "        if lost:\n            raise NotFinished",
        "        if lost or any(isinstance(one, Unfinished) and one.reason == 'misconfigured' for one in results):\n"
        "            raise NotFinished",
        SCENARIOS,
    ),
    Mutant(
        "a message that is no request keeps all others from going back",
        "pipeline.py",
        "(self.limits.has_queue and sender.send_all(back))",
        "(self.limits.has_queue and not any(each.is_body for each in chains) and sender.send_all(back))",
        SCENARIOS,
    ),
    Mutant(
        "a delivery takes on whatever comes",
        "pipeline.py",
        "return min(MOST_REQUESTS, self.limits.rate * (invocation.deadline - self.clock.now()))",
        "return math.inf",
        SCENARIOS,
    ),
    Mutant(
        "an outcome after a replay has the id of the one before",
        "outcomes.py",
        "for part in (replay, problems) if part",
        "for part in (problems,) if part",
        SCENARIOS,
    ),
    Mutant(
        "any refusal of a list is about the product",
        "iot.py",
        "            if names_place(error):\n                raise\n",
        "            raise\n",
        SCENARIOS,
    ),
    Mutant(
        "a refusal is believed while a call without an answer may be at work",
        "modules.py",
        "        if self._tried:\n            # The call without an answer",
        "        if False:\n            # The call without an answer",
        SCENARIOS,
    ),
    Mutant(
        "failures of the server's side are refusals unless they are listed",
        "codes.py",
        " or code.endswith(_TRANSIENT_ENDINGS)",
        "",
        ("tests/handler/test_codes.py", *SCENARIOS),
    ),
    Mutant(
        "a request goes on although one before it for the same module is not finished",
        "lanes.py",
        " if ahead is None else handler.leave(request, ahead)",
        "",
        SCENARIOS,
    ),
    Mutant(
        "an outage of half an hour is too long",
        "retry.py",
        "PUT_BACK = Backoff(tries=1, base=15.0,",
        "PUT_BACK = Backoff(tries=1, base=0.1,",
        ("tests/handler/test_retry.py",),
    ),
    Mutant(
        "a field that is named twice goes unnoticed",
        "texts.py",
        '        found |= {name: Flaw(f"names',
        '        found or {name: Flaw(f"names',
        SCENARIOS,
    ),
    Mutant(
        "a fault of the function's own costs no attempt",
        "results.py",
        'Unfinished(request, "fault", type(error).__name__, known=known, counts=True)',
        'Unfinished(request, "fault", type(error).__name__, known=known, counts=False)',
        SCENARIOS,
    ),
    Mutant(
        "an accepted update is forgotten when its outcome is not",
        "modules.py",
        'self._updated = self._update_sent = request.Updated and self._policy == "update"',
        "self._updated = self._update_sent = False",
        SCENARIOS,
    ),
    Mutant(
        "a delivery that never called costs an attempt",
        "modules.py",
        "counts=self._failure is not None)",
        "counts=True)",
        SCENARIOS,
    ),
    Mutant(
        "an outcome that the topic does not take costs an attempt",
        "attempts.py",
        'return Unfinished(request, "sink", str(error), known=known)',
        'return Unfinished(request, "sink", str(error), known=known, counts=True)',
        SCENARIOS,
    ),
    Mutant(
        "what never comes right is never given up",
        "attempts.py",
        "self._age(request.Since) >= self._limits.max_age",
        "self._age(request.Since) >= 1e12",
        SCENARIOS,
    ),
    Mutant(
        "what is left of a message goes back as more messages than came",
        "putting_back.py",
        "most - len(bodies))",
        "10**6)",
        PUTTING_BACK,
    ),
    Mutant(
        "a call whose connection had to be opened again leaves after its slot",
        "iot.py",
        "            if self.clock.now() - slot <= LATE:\n                return",
        "            return",
        IOT,
    ),
)
