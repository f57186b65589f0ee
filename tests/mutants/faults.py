"""The faults that are planted, by the file of the function in which each replaces a text that stands there once.

Some were once there, each as it would come back into the function as it is now.
"""

from typing import NamedTuple

from tests.support.paths import ROOT


class Fault(NamedTuple):
    """Replaces the old text by one that is wrong."""

    old: str
    new: str

    def plant(self, text: str) -> str:
        """Raises: ValueError: the old text does not stand once in a file's text."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.old!r} stands {text.count(self.old)} times, so it cannot become {self.new!r}")
        return text.replace(self.old, self.new)


def expected_tests(file: str) -> list[str]:
    """The tests that are expected to see what is planted in a file: its own, if it has any, and others."""
    own = f"tests/handler/test_{file}"
    return [*([own] if (ROOT / own).exists() else []), *(f"tests/{name}.py" for name in MORE_TESTS.get(file, ()))]


MORE_TESTS = {
    "attempts.py": ("handler/test_pipeline", "simulation/test_defects"),
    "codes.py": ("simulation/test_defects",),
    "http1.py": ("handler/test_connections",),
    "iot.py": ("handler/test_company", "handler/test_modules", "simulation/test_defects"),
    "lanes.py": ("handler/test_pipeline", "simulation/test_defects"),
    "messages.py": ("handler/test_modules", "handler/test_outcomes", "handler/test_pipeline"),
    "modules.py": ("handler/test_company", "handler/test_pipeline", "simulation/test_defects"),
    "outcomes.py": ("handler/test_pipeline", "simulation/test_defects"),
    "pipeline.py": ("simulation/test_defects",),
    "putting_back.py": ("handler/test_pipeline", "simulation/test_defects"),
    "smq.py": ("simulation/test_defects",),
    "store.py": ("handler/test_quota",),
    "texts.py": ("simulation/test_defects",),
    "web.py": ("handler/test_index",),
}
"""The tests besides a file's own that are expected to see what is planted in it."""
FAULTS = {
    "attempts.py": {
        "an outcome that the topic did not accept counts as published": Fault(
            "return self._unfinished(request, error, known)", 'return Outcome.of(request, "created")'
        ),
        "an outcome is never published": Fault("outbox.publish(self._write_event(outcome), outcome.Status)", "outbox"),
        "a request is given up without a dead letter": Fault(
            "self.invocation.outbox.dead_letter(dead_letter(", "str(("
        ),
        "an outcome that is not taken costs an attempt": Fault("error, known)", "error, known, counts=True)"),
        "what never comes right is never given up": Fault(">= self.settings.OTA_MAX_AGE", ">= 1e12"),
    },
    "codes.py": {
        "a 5xx is a call without effect": Fault("500:\n        return Transient", "500:\n        return Refused"),
        "a failure of the server's that is not listed is a refusal": Fault(" or code.endswith(_TRANSIENT_ENDINGS)", ""),
    },
    "connections.py": {
        "a call without an answer never left": Fault('Unanswered("NoAnswer", _c', 'NotSent("NoAnswer", _c'),
        "a host that does not exist is an outage of the API": Fault("if error.errno in _NO_SUCH_HOST:", "if False:"),
    },
    "http1.py": {
        "an answer cut short is whole": Fault("while len(self._ahead) < size:", "while size and not self._ahead:")
    },
    "index.py": {
        "a delivery takes as long as EventBridge waits": Fault("LONGEST_DELIVERY = 280.0", "LONGEST_DELIVERY = 300.0")
    },
    "iot.py": {
        "retries bypass the pacer": Fault("+= self._api.quota.wait(", "+= self.usage.calls or self._api.quota.wait("),
        "calls start after the deadline": Fault(
            "if seconds < SHORTEST_WAIT:\n            raise OutOfTime(action)\n        return seconds",
            "return max(seconds, 1.0)",
        ),
        "the pacer does not hear of throttles": Fault("self._api.quota.throttled(action, error.retry_after)", "pass"),
        "a call that connects after its slot leaves late": Fault("now() - slot <= LATE", "now() - slot <= 3600"),
        "the keys of an instance's first call are kept": Fault(
            "keys = self._credentials()", 'keys = self._api.__dict__.setdefault("keys", self._credentials())'
        ),
        "what one instance refuses holds for all instances": Fault(
            "self._reasons.get((action, instance))", "{of: why for (of, _), why in self._reasons.items()}.get(action)"
        ),
        "one error is raised for every request that it stops": Fault(
            "Misconfigured(error.code, error.text, request_id=error.request_id, setting=error.setting)", "error"
        ),
        "any refusal of a list is about the product": Fault("if names_place(error):", "if True:"),
    },
    "lanes.py": {
        "requests for one module run side by side": Fault("groups.setdefault(key, [])", "groups.setdefault(place, [])"),
        "a copy does not know what others know": Fault("_merge([item.request for item in same])", "same[0].request"),
        "a request overtakes one for the same module": Fault(" if ahead is None else request, ahead)", ", None)"),
    },
    "log.py": {"the scheme of a header is masked, and its token shown": Fault("(?(scheme) (?: [\\w-]+ \\s+ )? )", "")},
    "messages.py": {
        "an outcome's id is made of the queue's id": Fault(".items() if value.get(name) is None}", ".items()}"),
        "attempts are not counted": Fault("self.Attempt + counts", "self.Attempt"),
        "what is known of a request does not travel with it": Fault("{**known._asdict(), ", "{"),
        "names differ in case": Fault("self.ModuleName.casefold()", "self.ModuleName"),
    },
    "modules.py": {
        "a fault of the deployment costs attempts": Fault("not isinstance(error, Misconfigured))", "True)"),
        "that a module is another's is forgotten": Fault("self._theirs = request.Theirs", "self._theirs = False"),
        "a created module is forgotten when its outcome is not accepted": Fault(
            "self._remember_try()\n        self._theirs = False", "self._theirs = False"
        ),
        "nothing is read back after a call that had no answer": Fault("            self._reads_back = True\n", ""),
        "what a call of unknown effect has made counts as another's": Fault(
            "if self._session.usage.calls > calls and not isinstance(error, NotSent):", "if False:"
        ),
        "a refusal is believed without a second look": Fault("if not self._second_look:", "if self._second_look:"),
        "every module that is there after an unanswered call is our own": Fault(
            " and not drift and not self._theirs and not self._is_older(module, moment):", ":"
        ),
        "what was another's is ours once our update has changed it": Fault("        self._theirs = True\n", ""),
        "an update is applied that nobody asked for": Fault('if self._policy == "update" and changed', "if changed"),
        "`default` counts among the ten modules": Fault(".ModuleName.lower() != BUILT_IN", " is not None"),
        "a module of yesterday was made by a call of today": Fault("(0.0, SURELY_OLDER)", "(0.0, 1e9)"),
        "a refusal is believed while a call without an answer may be at work": Fault(
            "if self._tried:\n            # The unanswered call", "if False:\n            # The unanswered call"
        ),
        "an accepted update is forgotten when its outcome is not": Fault("request.Updated and", "False and"),
        "a delivery that never called costs an attempt": Fault("self._failure is not None)", "True)"),
        "the first try of a request has no time": Fault("int(self._request.Tried)", "int(bool(self._request.Tried))"),
    },
    "outcomes.py": {
        "an outcome's id depends on its status": Fault("key = [self.Id,", "key = [self.Id + self.Status,"),
        "an outcome after a replay has the id of the one before": Fault("(self.Replay, problems)", "(problems,)"),
        "a fault of the function's own costs no attempt": Fault("known=known, counts=True)", "known=known)"),
        "a second look without time is the quota's fault": Fault("OutOfTime) and error.wait:", "OutOfTime):"),
        "wrong requests that share an Id share their outcomes' id": Fault("(self.Replay, problems)", "(self.Replay,)"),
    },
    "pacing.py": {
        "who wakes leaves without looking again": Fault("if slot > now", "if came == now and slot > now"),
        "slots that passed while the process stood still are caught up": Fault("CATCH_UP = 0.25", "CATCH_UP = 25"),
        "a slot just at the deadline is refused": Fault("slot > deadline + EARLY", "slot >= deadline - EARLY"),
    },
    "pipeline.py": {
        "a batch is acknowledged while the deployment is wrong": Fault(
            "if lost:", 'if lost and "misconfigured" not in report.reasons():'
        ),
        "a batch is acknowledged although some of it could not be put back": Fault("if lost:", "if lost < 0:"),
        "a request that lacks a permission makes its batch come again": Fault(
            "if lost:", 'if lost or "misconfigured" in report.reasons():'
        ),
        "a message that is no request keeps all others from going back": Fault(
            "self._has_queue and sender.", "self._has_queue and not any(each.is_body for each in chains) and sender."
        ),
        "a delivery takes on whatever comes": Fault("return min(MOST_REQUESTS, ", "return max(math.inf, "),
    },
    "putting_back.py": {
        "what could not be sent back is forgotten": Fault("        return not refused\n", "        return True\n"),
        "a batch that was taken in part comes again": Fault("if not (refused and has_sent) or", "if True or"),
        "a message goes back as more messages than came": Fault("max(most - len(bodies), 1))", "10**6)"),
    },
    "quota.py": {
        "who is back first does not keep to its share": Fault("max(given, super()._slot(now, ahead))", "given"),
        "a process alone does not wait for the others' slots": Fault("self._store.lost_at + self._silence", "0.0"),
        "a slot of the store is used late": Fault("> self._shared.catch_up + EARLY", "> 1.0"),
    },
    "retry.py": {"an outage of half an hour is too long": Fault("base=15.0, cap=900", "base=0.1, cap=900")},
    "settings.py": {
        "a setting names an instance that no request may name": Fault(', pattern=r"^[!-~]+$")] | None', ")] | None")
    },
    "smq.py": {
        "what a batch of messages was refused counts as sent": Fault('"<MessageId>" not in result]', "not result]"),
        "a batch taken in part is sent again": Fault("len(results) != len(messages)", '"<ErrorCode>" in text'),
        "messages that were taken one by one go back again with those that were not": Fault(
            "return [message for message in left if self._send_together(queue, [message])]",
            "return list(left) if any([self._send_together(queue, [message]) for message in left]) else []",
        ),
        "what SMQ will never take is sent again": Fault("not isinstance(error, Transient)", "False"),
        "a failure of SMQ's own is final": Fault("(Refused if code in _FINAL else Transient)(", "Refused("),
        "an answer of SMQ that cannot be read is final": Fault('Transient(f"unreadable', 'Refused(f"unreadable'),
        "a topic that is not there may come into being before the next try": Fault('"TopicNotExist", ', ""),
        "what the role lacks to publish is not said": Fault('code == "AccessDenied"', "False"),
        "a message that could not be sent back counts as sent": Fault("return messages", "return []"),
    },
    "store.py": {
        "a process goes on by itself after one answer of the store that is lost": Fault("TRIES = 2", "TRIES = 1"),
        "a store that is down is not tried again": Fault("now + PAUSE", "now + 3600.0"),
        "a store that takes no writes is an error nobody expects": Fault(
            "except Exception as error:", "except (redis.ConnectionError, redis.TimeoutError, OSError) as error:"
        ),
        "a store that forgot everything begins anew at once": Fault("or now + silence", "or now"),
        "slots are over when a slow store answers": Fault("(*question, self._trip)", "(*question, 0.0)"),
        "the script is loaded before it is run": Fault(
            "[int] = self._client.eval(SCRIPT", "[int] = self._client.evalsha(self._client.script_load(SCRIPT)"
        ),
        "a look-up of the store's name has no time limit": Fault("answer.result(OVERDUE)", "answer.result(30)"),
        "what the store refuses is said as an outage": Fault("        if refused:", "        if not error:"),
    },
    "texts.py": {
        "a field that is named twice goes unnoticed": Fault("fields |= {name: Flaw(", "fields or {name: Flaw(")
    },
    "web.py": {
        "a sender is not told when to send again": Fault('"sink", headers=_LATER)', '"sink")'),
        "a far too large body is parsed before it is refused": Fault("> LARGEST_EVENT:", "> 100 * LARGEST_EVENT:"),
    },
}
