"""The faults that are planted, by the file of the function in which each replaces a text that stands there once.

Some were once there, each as it would come back into the function as it is now.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong where the old text is replaced by the new one."""

    name: str
    old: str
    new: str


TESTS = {
    "attempts.py": ("handler/test_pipeline", "simulation/test_defects"),
    "codes.py": ("handler/test_codes", "simulation/test_defects"),
    "connections.py": ("handler/test_connections",),
    "http1.py": ("handler/test_connections",),
    "index.py": ("handler/test_index",),
    "iot.py": (
        "handler/test_company",
        "handler/test_iot",
        "handler/test_modules",
        "simulation/test_defects",
        "simulation/test_troubles",
    ),
    "lanes.py": ("handler/test_pipeline", "simulation/test_defects"),
    "log.py": ("handler/test_log",),
    "messages.py": ("handler/test_messages", "handler/test_modules", "handler/test_outcomes", "handler/test_pipeline"),
    "modules.py": ("handler/test_company", "handler/test_modules", "handler/test_pipeline", "simulation/test_defects"),
    "outcomes.py": ("handler/test_outcomes", "handler/test_pipeline", "simulation/test_defects"),
    "pacing.py": ("handler/test_pacing",),
    "pipeline.py": ("handler/test_pipeline", "simulation/test_defects"),
    "putting_back.py": ("handler/test_pipeline", "handler/test_putting_back", "simulation/test_troubles"),
    "quota.py": ("handler/test_quota",),
    "retry.py": ("handler/test_retry",),
    "settings.py": ("handler/test_settings",),
    "smq.py": ("handler/test_smq", "simulation/test_troubles"),
    "store.py": ("handler/test_quota", "handler/test_store", "handler/test_store_rights"),
    "texts.py": ("simulation/test_defects",),
    "web.py": ("handler/test_index", "handler/test_web"),
}
"""The tests that are expected to see what is planted in a file."""
FAULTS = {
    "attempts.py": [
        Fault(
            "an outcome that the topic did not accept counts as published",
            "            return self._unfinished(request, error, known)",
            '            return Outcome.of(request, "created")',
        ),
        Fault(
            "an outcome is published after the acknowledgement",
            "self.invocation.outbox.publish(self._event(outcome), outcome.Status)",
            "threading.Thread(target=self.invocation.outbox.publish, args=(self._event(outcome), outcome.Status)).start()",
        ),
        Fault(
            "a request is given up without a dead letter",
            "        self.invocation.outbox.dead_letter(dead_letter(request, unfinished, self._event(outcome)))",
            "        dead_letter(request, unfinished, self._event(outcome))",
        ),
        Fault(
            "an outcome that the topic does not take costs an attempt",
            "return self._unfinished(request, error, known)",
            "return self._unfinished(request, error, known, counts=True)",
        ),
        Fault(
            "what never comes right is never given up",
            "self._age(request) >= self.settings.OTA_MAX_AGE",
            "self._age(request) >= 1e12",
        ),
    ],
    "codes.py": [
        Fault(
            "a 5xx is taken for a call without effect",
            "    if status >= 500:\n        return Transient",
            "    if status >= 500:\n        return Refused",
        ),
        Fault(
            "failures of the server's side are refusals unless they are listed",
            " or code.endswith(_TRANSIENT_ENDINGS)",
            "",
        ),
    ],
    "connections.py": [
        Fault(
            "an answer that never came counts as a call that never left",
            'raise Unanswered("NoAnswer", _cause(error)) from None',
            'raise NotSent("NoAnswer", _cause(error)) from None',
        ),
        Fault(
            "a host that does not exist is an outage of the API",
            "if error.errno in _NO_SUCH_HOST:",
            "if error.errno == 0:",
        ),
    ],
    "http1.py": [
        Fault(
            "an answer that is cut short counts as whole",
            "while len(self._ahead) < size:",
            "while size and not self._ahead:",
        ),
    ],
    "index.py": [
        Fault(
            "a delivery takes as long as EventBridge waits for it",
            "LONGEST_DELIVERY = 280.0",
            "LONGEST_DELIVERY = 300.0",
        ),
    ],
    "iot.py": [
        Fault(
            "retries bypass the pacer",
            "self.usage.waited += self._api.quota.wait(action, self.deadline)",
            "self.usage.waited += self.usage.calls or self._api.quota.wait(action, self.deadline)",
        ),
        Fault(
            "calls start after the deadline",
            "        if seconds < SHORTEST_WAIT:\n            raise OutOfTime(action)\n        return seconds",
            "        return max(seconds, 1.0)",
        ),
        Fault(
            "the pacer does not hear of throttles",
            "            self._api.quota.throttled(action, error.retry_after)\n",
            "",
        ),
        Fault(
            "a call whose connection was opened again after its slot leaves late",
            "if self.clock.now() - slot <= LATE:",
            "if self.clock.now() - slot <= 3600:",
        ),
        Fault(
            "the keys of an instance's first call are kept",
            "keys = self._credentials()",
            'keys = self._api.__dict__.setdefault("keys", self._credentials())',
        ),
        Fault(
            "what one instance refuses holds for all instances",
            "self._reasons.get((action, instance))",
            "next((each for (of, _), each in self._reasons.items() if of == action), None)",
        ),
        Fault(
            "one error is raised for every request that it stops",
            "raise Misconfigured(error.code, error.text, request_id=error.request_id, setting=error.setting)",
            "raise error",
        ),
        Fault(
            "any refusal of a list is about the product",
            "            if names_place(error):\n                raise\n",
            "            raise\n",
        ),
    ],
    "lanes.py": [
        Fault(
            "requests for one module run side by side",
            "groups.setdefault(key, []).append(item)",
            "groups.setdefault(place, []).append(item)",
        ),
        Fault(
            "a copy of a request does not know what the others know",
            "return [(_joined([item.request for item in same]), same)",
            "return [(same[0].request, same)",
        ),
        Fault(
            "a request goes on although one before it for the same module is not finished",
            " if ahead is None else request, ahead)",
            ", None)",
        ),
    ],
    "log.py": [
        Fault("the scheme of a header is masked, and its token shown", "(?(scheme) (?: [\\w-]+ \\s+ )? )", ""),
    ],
    "messages.py": [
        Fault(
            "an outcome's id is made of the queue's id",
            "_message_fields(part).items() if value.get(name) is None}",
            "_message_fields(part).items()}",
        ),
        Fault("attempts are not counted", "self.Attempt + counts", "self.Attempt"),
        Fault("what is known of a request does not travel with it", "{**known._asdict(), ", "{"),
        Fault("names differ in case", "self.ModuleName.casefold()", "self.ModuleName"),
    ],
    "modules.py": [
        Fault(
            "a fault of the deployment costs attempts", "counts=not isinstance(error, Misconfigured))", "counts=True)"
        ),
        Fault(
            "a request that comes again forgets that its module is another's",
            "self._theirs = request.Theirs",
            "self._theirs = False",
        ),
        Fault(
            "a module that was created is forgotten when its outcome is not accepted",
            "        self._remember_try()\n        self._theirs = False",
            "        self._theirs = False",
        ),
        Fault(
            "nothing is read back after a call whose effect is unknown",
            "            self._reads_back = True\n"
            "            if self._session.usage.calls > calls and not isinstance(error, NotSent):\n"
            "                self._remember_try()\n",
            "",
        ),
        Fault(
            "nothing is read back after a call that never reached the API", "            self._reads_back = True\n", ""
        ),
        Fault(
            "what a call of unknown effect has made counts as another's",
            "if self._session.usage.calls > calls and not isinstance(error, NotSent):\n                self._remember_try()",
            "pass",
        ),
        Fault(
            "a refusal is believed without a second look",
            "        if not self._second_look:",
            "        if self._second_look:",
        ),
        Fault(
            "every module that is there after an unanswered call counts as our own",
            "if self._tried and not drift and not self._theirs and not self._is_older(module, moment):",
            "if self._tried:",
        ),
        Fault("what was another's is ours once our update has changed it", "        self._theirs = True\n", ""),
        Fault("an update is applied that nobody asked for", 'if self._policy == "update" and changed', "if changed"),
        Fault(
            "`default` counts among the ten modules",
            "sum(module.ModuleName.lower() != BUILT_IN for module in modules)",
            "len(modules)",
        ),
        Fault("a module of yesterday counts as made by a call of today", "(0.0, SURELY_OLDER)", "(0.0, 1e9)"),
        Fault(
            "a refusal is believed while a call without an answer may be at work",
            "        if self._tried:\n            # The unanswered call",
            "        if False:\n            # The unanswered call",
        ),
        Fault(
            "an accepted update is forgotten when its outcome is not",
            'self._updated = self._update_sent = request.Updated and self._policy == "update"',
            "self._updated = self._update_sent = False",
        ),
        Fault("a delivery that never called costs an attempt", "counts=self._failure is not None)", "counts=True)"),
        Fault(
            "an instant that travels with a request says no more than that there was one",
            "return int(self._request.Tried)",
            "return int(bool(self._request.Tried))",
        ),
    ],
    "outcomes.py": [
        Fault(
            "an outcome's id depends on its status",
            "key = [self.Id, self.IotInstanceId,",
            "key = [self.Id + self.Status, self.IotInstanceId,",
        ),
        Fault(
            "an outcome after a replay has the id of the one before",
            "for part in (self.Replay, problems) if part",
            "for part in (problems,) if part",
        ),
        Fault(
            "a fault of the function's own costs no attempt",
            'cls(request, "fault", type(error).__name__, known=known, counts=True)',
            'cls(request, "fault", type(error).__name__, known=known, counts=False)',
        ),
        Fault(
            "a second look without time is told as the quota's fault",
            "isinstance(error, OutOfTime) and error.wait:",
            "isinstance(error, OutOfTime):",
        ),
        Fault(
            "wrong requests that share an Id share their outcomes' id",
            "for part in (self.Replay, problems) if part",
            "for part in (self.Replay,) if part",
        ),
    ],
    "pacing.py": [
        Fault(
            "who wakes leaves without looking again",
            "            if slot > now + EARLY:\n",
            "            if came == now and slot > now + EARLY:\n",
        ),
        Fault("slots that passed while the process stood still are caught up", "CATCH_UP = 0.25", "CATCH_UP = 25"),
        Fault("a slot just at the deadline is refused", "if slot > deadline + EARLY:", "if slot >= deadline - EARLY:"),
    ],
    "pipeline.py": [
        Fault(
            "a batch is acknowledged while the deployment is wrong",
            "        if lost:\n            raise NotFinished",
            '        if any(each.reason != "misconfigured" for each in lost):\n            raise NotFinished',
        ),
        Fault(
            "a batch is acknowledged although some of it could not be put back",
            "        if lost:\n            raise NotFinished",
            "        if len(lost) < 0:\n            raise NotFinished",
        ),
        Fault(
            "a request that lacks a permission makes its batch come again",
            "        if lost:\n            raise NotFinished",
            "        if lost or any(isinstance(one, Unfinished) and one.reason == 'misconfigured' for one in report.results):\n"
            "            raise NotFinished",
        ),
        Fault(
            "a message that is no request keeps all others from going back",
            "(self._has_queue and sender.send_all(back, has_sent=has_sent))",
            "(self._has_queue and not any(each.is_body for each in chains) and sender.send_all(back, has_sent=has_sent))",
        ),
        Fault(
            "a delivery takes on whatever comes",
            "return min(MOST_REQUESTS, self.settings.own_rate * (invocation.deadline - self.api.clock.now()))",
            "return math.inf",
        ),
    ],
    "putting_back.py": [
        Fault("what could not be sent back is forgotten", "        return not refused\n", "        return True\n"),
        Fault(
            "a batch of messages that was taken in part comes again besides",
            "if not (refused and has_sent) or",
            "if True or",
        ),
        Fault(
            "what is left of a message goes back as more messages than came", "max(most - len(bodies), 1))", "10**6)"
        ),
    ],
    "quota.py": [
        Fault(
            "who is back first does not keep to its share",
            "return max(given, super()._slot(now, ahead))",
            "return given",
        ),
        Fault(
            "a process alone begins while others still hold slots of the store",
            "            self._held = max(self._held, self._store.lost_at + self._silence)\n",
            "",
        ),
        Fault(
            "a slot of the store is used late",
            "now - self._slots[0] > self._shared.catch_up + EARLY",
            "now - self._slots[0] > 1.0",
        ),
    ],
    "retry.py": [
        Fault(
            "an outage of half an hour is too long",
            "PUT_BACK = Backoff(tries=1, base=15.0,",
            "PUT_BACK = Backoff(tries=1, base=0.1,",
        ),
    ],
    "settings.py": [
        Fault(
            "a setting names an instance that no request may name",
            'OTA_IOT_INSTANCE_ID: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]',
            "OTA_IOT_INSTANCE_ID: Annotated[str, Field(min_length=1, max_length=128)]",
        ),
    ],
    "smq.py": [
        Fault(
            "what a batch of messages was refused counts as sent", 'if "<MessageId>" not in result]', "if not result]"
        ),
        Fault(
            "a batch of messages that was taken in part is sent again as a whole",
            "if len(results) != len(messages):",
            'if "<ErrorCode>" in text:',
        ),
        Fault(
            "messages that were taken one by one go back again with those that were not",
            "return [message for message in left if self._refused(queue, [message])]",
            "return list(left) if any([self._refused(queue, [message]) for message in left]) else []",
        ),
        Fault(
            "what SMQ will never take is sent again",
            "problem, final = str(error), not isinstance(error, Transient)",
            "problem, final = str(error), False",
        ),
        Fault("a failure of SMQ's own is final", "(Refused if code in _FINAL else Transient)(code", "Refused(code"),
        Fault(
            "an answer of SMQ that cannot be read is final",
            'return Transient(f"unreadable answer (status {status})")',
            'return Refused(f"unreadable answer (status {status})")',
        ),
        Fault("a topic that is not there may come into being before the next try", '"TopicNotExist", ', ""),
        Fault(
            "what the role lacks to publish is not said",
            'more = mask(message)[:300] + ", " if code == "AccessDenied" else ""',
            'more = ""',
        ),
        Fault(
            "a message that could not be sent back counts as sent",
            "text=error.problem)\n            return messages",
            "text=error.problem)\n            return []",
        ),
    ],
    "store.py": [
        Fault("a process goes on by itself after one answer of the store that is lost", "TRIES = 2", "TRIES = 1"),
        Fault(
            "a store that is down is not tried again",
            "            self._retry_at = now + PAUSE\n            if not first",
            "            self._retry_at = now + 3600.0\n            if not first",
        ),
        Fault(
            "a store that takes no writes is an error nobody expects",
            "except Exception as error:",
            "except (redis.ConnectionError, redis.TimeoutError, OSError) as error:",
        ),
        Fault("a store that forgot everything begins anew at once", "or now + silence", "or now"),
        Fault("slots are over when a slow store answers", "(*question, self._trip)", "(*question, 0.0)"),
        Fault(
            "the script is loaded before it is run",
            "answer: Sequence[int] = self._client.eval(SCRIPT, 1, key, *arguments)",
            "answer: Sequence[int] = self._client.evalsha(self._client.script_load(SCRIPT), 1, key, *arguments)",
        ),
        Fault(
            "a look-up of the store's name has no time limit",
            "return answer.result(OVERDUE)",
            "return answer.result(30)",
        ),
        Fault("what the store refuses is said as an outage", "        if refused:", "        if not error:"),
    ],
    "texts.py": [
        Fault(
            "a field that is named twice goes unnoticed",
            '        fields |= {name: Flaw(f"names',
            '        fields or {name: Flaw(f"names',
        ),
    ],
    "web.py": [
        Fault(
            "a sender is not told when to send again",
            'return problem("sink", headers=_LATER).answer()',
            'return problem("sink").answer()',
        ),
        Fault(
            "a body that is far too large is parsed before it is refused",
            "if len(event) > LARGEST_EVENT:",
            "if len(event) > 100 * LARGEST_EVENT:",
        ),
    ],
}
