"""HTTP against its published document, by schemathesis: what the document allows and what it does not, in every field."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished

from handler import web
from tests.support.fake_function import Function

CONFIG: dict[str, Any] = {
    "seed": 1,
    "generation": {"deterministic": True, "database": "none"},
    # An array with a request that breaks a rule is answered 207: the others in it are carried out.
    "checks": {"negative_data_rejection": {"expected-statuses": [207, 400, 415, 422]}},
    # Cases at random cost more than a second each: the character classes are large. tests/deploy/test_openapi.py has its own.
    "phases": {"fuzzing": {"enabled": False}, "stateful": {"enabled": False}},
}
"""The document's examples, and the edges of every rule one after another: some 300 cases, the same each time."""


@dataclass
class Trigger:
    """The HTTP trigger of FC 2.0, counting its answers by status."""

    function: Function = field(default_factory=Function)
    answers: Counter[int] = field(default_factory=Counter)

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        answer = self.function.respond(web.from_environ(environ))
        self.answers[answer.status] += 1
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
        return [answer.body]


def problems(event: EngineEvent) -> Iterator[str]:
    """What an event of a run says against the answers, or against the run itself."""
    if isinstance(event, FatalError):
        yield f"the run ended: {event.exception!r}"
    elif isinstance(event, NonFatalError):
        yield f"{event.label}: {event.value!r}"
    elif isinstance(event, ScenarioFinished):
        for case, checks in event.recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    request = event.recorder.cases[case].value
                    yield f"{check.name}: {request.method} {request.path} {request.body!r}: {check.failure_info.failure}"


def test_every_answer_is_one_that_the_document_describes() -> None:
    """Status, headers, media type and body; no valid request is refused, no invalid one is taken."""
    trigger = Trigger()
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", trigger, config=config)
    assert [problem for event in engine.from_schema(schema).execute() for problem in problems(event)] == []
    assert trigger.function.faults == []
    assert trigger.answers.keys() >= {200, 201, 204, 207, 400, 405, 415, 422}, "else nothing was shown"
