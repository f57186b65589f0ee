"""HTTP against its published document, by schemathesis: what the document allows and what it does not, in every field."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

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
"""The document's examples, and the edges of every rule one after another, the same each time."""
FUNCTION = Function()
ANSWERS: Counter[int] = Counter()


def application(environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer as the HTTP trigger of FC 2.0, and count the answers by status."""
    answer = FUNCTION.respond(web.from_environ(environ))
    ANSWERS[answer.status] += 1
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
    return [answer.body]


@pytest.fixture(scope="module", autouse=True)
def every_kind_of_answer() -> Iterator[None]:
    """Check at the end that there was every kind of answer, and no fault of the function's own."""
    yield
    assert FUNCTION.faults == []
    assert ANSWERS.keys() >= {200, 201, 204, 207, 400, 405, 415, 422}, "else nothing was shown"


SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", application, config=SchemathesisConfig.from_dict(CONFIG))


@SCHEMA.parametrize()
def test_every_answer_is_one_that_the_document_describes(case: schemathesis.Case[Any]) -> None:
    """Status, headers, media type and body; no valid request is refused, no invalid one is taken."""
    case.call_and_validate()
