"""The faults that are planted, each as a replacement of text that stands once in one file of the function."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A fault: in which file, what is replaced by what, and the test files that are expected to see it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MODULES, PIPELINE, IOT = (
    ("tests/handler/test_modules.py",),
    ("tests/handler/test_pipeline.py",),
    ("tests/handler/test_iot.py",),
)
PACING, QUOTA, STORE = (
    ("tests/handler/test_pacing.py",),
    ("tests/handler/test_quota.py",),
    ("tests/handler/test_store.py", "tests/handler/test_store_rights.py"),
)
SMQ, WEB = ("tests/handler/test_smq.py",), ("tests/handler/test_web.py",)

FAULTS = (
    Mutant(
        "an outcome that the topic did not accept counts as published",
        "attempts.py",
        "            return self._unfinished(request, error, known)",
        '            return Outcome.of(request, "created")',
        PIPELINE,
    ),
    Mutant(
        "an outcome is published after the acknowledgement",
        "attempts.py",
        "        self.invocation.outbox.publish(self._event(outcome), outcome.Status)",
        "        threading.Thread(target=self.invocation.outbox.publish, args=(self._event(outcome), outcome.Status)).start()",
        PIPELINE,
    ),
    Mutant(
        "a batch is acknowledged while the deployment is wrong",
        "pipeline.py",
        "        if lost:\n            raise NotFinished",
        '        if any(each.reason != "misconfigured" for each in lost):\n            raise NotFinished',
        PIPELINE,
    ),
    Mutant(
        "a batch is acknowledged although some of it could not be put back",
        "pipeline.py",
        "        if lost:\n            raise NotFinished",
        "        if len(lost) < 0:\n            raise NotFinished",
        PIPELINE,
    ),
    Mutant(
        "what could not be sent back is forgotten",
        "putting_back.py",
        "        return not refused\n",
        "        return True\n",
        PIPELINE,
    ),
    Mutant(
        "a request is given up without a dead letter",
        "attempts.py",
        "        self.invocation.outbox.dead_letter(dead_letter(request, left, self._event(outcome)))",
        "        dead_letter(request, left, self._event(outcome))",
        PIPELINE,
    ),
    Mutant(
        "a fault of the deployment costs attempts",
        "modules.py",
        "counts=not isinstance(error, Misconfigured))",
        "counts=True)",
        PIPELINE,
    ),
    Mutant(
        "a process goes on by itself after one answer of the store that is lost",
        "store.py",
        "TRIES = 2",
        "TRIES = 1",
        ("tests/handler/test_store.py", "tests/handler/test_store_rights.py"),
    ),
    Mutant(
        "requests for one module run side by side",
        "lanes.py",
        "found.setdefault(key, []).append(item)",
        "found.setdefault(place, []).append(item)",
        PIPELINE,
    ),
    Mutant(
        "an outcome's id depends on its status",
        "outcomes.py",
        "key = [self.Id, self.IotInstanceId,",
        "key = [self.Id + self.Status, self.IotInstanceId,",
        ("tests/handler/test_outcomes.py", "tests/handler/test_pipeline.py"),
    ),
    Mutant(
        "an outcome's id is made of the queue's id",
        "messages.py",
        "_given(part).items() if value.get(name) is None}",
        "_given(part).items()}",
        ("tests/handler/test_messages.py", *PIPELINE),
    ),
    Mutant(
        "attempts are not counted",
        "messages.py",
        "self.Attempt + counts",
        "self.Attempt",
        ("tests/handler/test_outcomes.py", "tests/handler/test_pipeline.py"),
    ),
    Mutant(
        "what is known of a request does not travel with it",
        "messages.py",
        "{**known._asdict(), ",
        "{",
        ("tests/handler/test_outcomes.py",),
    ),
    Mutant(
        "a request that comes again forgets that its module is another's",
        "modules.py",
        "self._theirs = request.Theirs",
        "self._theirs = False",
        MODULES,
    ),
    Mutant(
        "a module that was created is forgotten when its outcome is not accepted",
        "modules.py",
        "        self._remember_try()\n        self._theirs = False",
        "        self._theirs = False",
        (*MODULES, *PIPELINE),
    ),
    Mutant(
        "a copy of a request does not know what the others know",
        "lanes.py",
        "return [(_joined([item.request for item in same]), same)",
        "return [(same[0].request, same)",
        PIPELINE,
    ),
    Mutant(
        "names differ in case",
        "messages.py",
        "self.ModuleName.casefold()",
        "self.ModuleName",
        ("tests/handler/test_messages.py", "tests/handler/test_modules.py", "tests/handler/test_pipeline.py"),
    ),
    Mutant(
        "nothing is read back after a call whose effect is unknown",
        "modules.py",
        "            self._reads_back = True\n"
        "            if self._session.usage.calls > calls and not isinstance(error, NotSent):\n"
        "                self._remember_try()\n",
        "",
        MODULES,
    ),
    Mutant(
        "nothing is read back after a call that never reached the API",
        "modules.py",
        "            self._reads_back = True\n",
        "",
        MODULES,
    ),
    Mutant(
        "what a call of unknown effect has made counts as another's",
        "modules.py",
        "if self._session.usage.calls > calls and not isinstance(error, NotSent):\n                self._remember_try()",
        "pass",
        MODULES,
    ),
    Mutant(
        "a refusal is believed without a second look",
        "modules.py",
        "        if not self._second_look:",
        "        if self._second_look:",
        MODULES,
    ),
    Mutant(
        "every module that is there after an unanswered call counts as our own",
        "modules.py",
        "if self._tried and not drift and not self._theirs and not self._is_older(found, moment):",
        "if self._tried:",
        MODULES,
    ),
    Mutant(
        "what was another's is ours once our update has changed it",
        "modules.py",
        "        self._theirs = True\n",
        "",
        MODULES,
    ),
    Mutant(
        "an update is applied that nobody asked for",
        "modules.py",
        'if self._policy == "update" and changed',
        "if changed",
        MODULES,
    ),
    Mutant(
        "`default` counts among the ten modules",
        "modules.py",
        "sum(module.ModuleName.lower() != BUILT_IN for module in modules)",
        "len(modules)",
        MODULES,
    ),
    Mutant(
        "a 5xx is taken for a call without effect",
        "codes.py",
        "    if status >= 500:\n        return Transient",
        "    if status >= 500:\n        return Refused",
        ("tests/handler/test_codes.py",),
    ),
    Mutant(
        "retries bypass the pacer",
        "iot.py",
        "self.usage.waited += self._api.quota.wait(action, self.deadline)",
        "self.usage.waited += self.usage.calls or self._api.quota.wait(action, self.deadline)",
        (*IOT, *MODULES),
    ),
    Mutant(
        "calls start after the deadline",
        "iot.py",
        "        if seconds < SHORTEST_WAIT:\n            raise OutOfTime(action)\n        return seconds",
        "        return max(seconds, 1.0)",
        IOT,
    ),
    Mutant(
        "the pacer does not hear of throttles",
        "iot.py",
        "            self._api.quota.throttled(action, error.retry_after)\n",
        "",
        IOT,
    ),
    Mutant(
        "who wakes leaves without looking again",
        "pacing.py",
        "            if slot > now + EARLY:\n",
        "            if came == now and slot > now + EARLY:\n",
        PACING,
    ),
    Mutant(
        "slots that passed while the process stood still are caught up",
        "pacing.py",
        "CATCH_UP = 0.25",
        "CATCH_UP = 25",
        PACING,
    ),
    Mutant(
        "an answer that never came counts as a call that never left",
        "connections.py",
        'raise Unanswered("NoAnswer", _cause(error)) from None',
        'raise NotSent("NoAnswer", _cause(error)) from None',
        ("tests/handler/test_connections.py",),
    ),
    Mutant(
        "a host that does not exist is an outage of the API",
        "connections.py",
        "if error.errno in _NO_SUCH_HOST:",
        "if error.errno == 0:",
        ("tests/handler/test_connections.py",),
    ),
    Mutant(
        "a call whose connection was opened again after its slot leaves late",
        "iot.py",
        "if self.clock.now() - slot <= LATE:",
        "if self.clock.now() - slot <= 3600:",
        ("tests/handler/test_iot.py",),
    ),
    Mutant(
        "an answer that is cut short counts as whole",
        "http1.py",
        "while len(self._ahead) < size:",
        "while size and not self._ahead:",
        ("tests/handler/test_connections.py",),
    ),
    Mutant(
        "a slot just at the deadline is refused",
        "pacing.py",
        "if slot > deadline + EARLY:",
        "if slot >= deadline - EARLY:",
        PACING,
    ),
    Mutant(
        "a store that is down is not tried again",
        "store.py",
        "            self._retry_at = now + PAUSE\n            if not first",
        "            self._retry_at = now + 3600.0\n            if not first",
        STORE,
    ),
    Mutant(
        "a store that takes no writes is an error nobody expects",
        "store.py",
        "except Exception as error:",
        "except (redis.ConnectionError, redis.TimeoutError, OSError) as error:",
        STORE,
    ),
    Mutant(
        "who is back first does not keep to its share",
        "quota.py",
        "return max(given, super()._slot(now, ahead))",
        "return given",
        QUOTA,
    ),
    Mutant(
        "a store that forgot everything begins anew at once",
        "store.py",
        "or now + silence",
        "or now",
        QUOTA,
    ),
    Mutant(
        "slots are over when a slow store answers",
        "store.py",
        "(*question, self._trip)",
        "(*question, 0.0)",
        QUOTA,
    ),
    Mutant(
        "a process alone begins while others still hold slots of the store",
        "quota.py",
        "            self._held = max(self._held, self._store.lost_at + self._silence)\n",
        "",
        QUOTA,
    ),
    Mutant(
        "the script is loaded before it is run",
        "store.py",
        "answer: Sequence[int] = self._client.eval(SCRIPT, 1, key, *arguments)",
        "answer: Sequence[int] = self._client.evalsha(self._client.script_load(SCRIPT), 1, key, *arguments)",
        STORE,
    ),
    Mutant(
        "a look-up of the store's name has no time limit",
        "store.py",
        "return answer.result(OVERDUE)",
        "return answer.result(30)",
        STORE,
    ),
    Mutant(
        "what the store refuses is said as an outage",
        "store.py",
        "        if refused:",
        "        if not error:",
        STORE,
    ),
    Mutant(
        "a slot of the store is used late",
        "quota.py",
        "now - self._slots[0] > self._shared.catch_up + EARLY",
        "now - self._slots[0] > 1.0",
        QUOTA,
    ),
    Mutant(
        "what a batch of messages was refused counts as sent",
        "smq.py",
        'if "<MessageId>" not in result]',
        "if not result]",
        SMQ,
    ),
    Mutant(
        "a batch of messages that was taken in part is sent again as a whole",
        "smq.py",
        "if len(results) != len(messages):",
        'if "<ErrorCode>" in text:',
        SMQ,
    ),
    Mutant(
        "a message that could not be sent back counts as sent",
        "smq.py",
        "            self._missed(error)\n            return False",
        "            self._missed(error)\n            return True",
        SMQ,
    ),
    Mutant(
        "a sender is not told when to send again",
        "web.py",
        'return problem("sink", headers=_LATER).answer()',
        'return problem("sink").answer()',
        WEB,
    ),
)
