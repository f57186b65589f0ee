"""Answers: the status and the body of each kind of result."""

from typing import get_args

import pytest

from handler.answers import KINDS
from handler.messages import ModuleRequest
from handler.outcomes import Outcome, Reason, Result, Status, Unfinished, Why
from handler.web import HttpRequest
from tests.support.fake_function import ASYNC, REQUEST, Function, content, kind

REJECTED: dict[Why, int] = {"product-unknown": 404, "exists": 409, "limit": 409, "refused": 422}
UNFINISHED: dict[Reason, int] = {
    "quota": 503, "deadline": 503, "sink": 503, "unanswered": 504, "upstream": 502, "misconfigured": 502, "fault": 500,
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "why", "code", "problem"),
    [
        ("created", None, 201, None),
        ("existing", None, 200, None),
        ("updated", None, 200, None),
        *(("rejected", why, code, why) for why, code in REJECTED.items()),
        ("rejected", None, 422, "refused"),
        ("failed", None, 502, "failed"),
    ],
)
def test_an_outcome_is_answered_by_what_it_says(
    status: Status, why: Why | None, code: int, problem: str | None
) -> None:
    answer = Function(lambda each: Outcome.of(each, status, why=why, Code="c.1", ErrorMessage="No.")).post(REQUEST)
    assert answer.status == code
    body = content(answer)
    assert REQUEST.items() <= body.items()
    assert (body["Status"], body["Code"], body["ErrorMessage"], body["Attempts"]) == (status, "c.1", "No.", 1)
    assert problem is None or (kind(answer), body["detail"]) == (problem, "No.")


@pytest.mark.parametrize(("reason", "code"), UNFINISHED.items())
def test_an_unfinished_request_is_answered_by_its_reason(reason: Reason, code: int) -> None:
    """Names of queues, keys and permissions concern operators alone, and stand in the log."""
    words = "role acs:ram::1:role/x may not"
    answer = Function(lambda each: Unfinished(each, reason, words, retry_after=1.2)).post(REQUEST)
    assert (answer.status, kind(answer)) == (code, reason)
    assert (words.encode() in answer.body) == (reason not in ("sink", "misconfigured", "fault"))
    assert answer.headers.get("Retry-After") == ("2" if code == 503 else None)
    assert content(answer)["Id"] == "own-1"


def test_secrets_in_an_upstreams_words_are_masked() -> None:
    """Some answers repeat the request."""
    words = "bad gateway: /?AccessKeySecret=testsecret&Signature=abc%3D&SecurityToken=tok"
    answer = Function(lambda each: Unfinished(each, "upstream", words)).post(REQUEST)
    assert content(answer)["detail"].startswith("bad gateway")
    assert not any(secret in answer.body for secret in (b"testsecret", b"abc%3D", b'tok"'))


def test_what_the_api_wrote_is_cut_to_a_bearable_length() -> None:
    long = "x" * 100_000
    for result in (
        lambda each: Unfinished(each, "upstream", long, long, long),
        lambda each: Outcome.of(each, "rejected", Code=long, RequestId=long, ErrorMessage=long),
    ):
        assert len(Function(result).post(REQUEST).body) < 5_000


def test_every_why_and_every_reason_is_a_kind_of_problem() -> None:
    assert {*get_args(Why), *get_args(Reason)} <= KINDS.keys()


def test_a_request_that_breaks_rules_is_answered_with_every_fault() -> None:
    answer = Function().post({"ModuleName": "a b", "AliasName": ""})
    assert (answer.status, kind(answer)) == (422, "invalid")
    body = content(answer)
    assert [error["Field"] for error in body["errors"]] == ["ProductKey", "ModuleName", "AliasName"]
    assert body["detail"] == "ProductKey is required, and 2 more in errors"
    assert "Errors" not in body


def test_an_array_is_answered_with_one_result_each() -> None:
    def ensure(request: ModuleRequest) -> Result:
        if request.ModuleName == "busy":
            return Unfinished(request, "quota", "", retry_after=7)
        return Outcome.of(request, "existing")

    sent = [REQUEST, {**REQUEST, "ModuleName": "a b"}, {"ProductKey": "a1", "ModuleName": "busy"}, 5]
    answer = Function(ensure).post(sent)
    assert (answer.status, answer.headers["Retry-After"]) == (207, "7")
    results = content(answer)["results"]
    assert [part["status"] for part in results] == [200, 422, 503, 400]
    assert [part["Id"] for part in results] == ["own-1", "own-1", "req-1/3", "req-1/4"]
    one = Function().post([REQUEST])
    assert (one.status, [part["status"] for part in content(one)["results"]]) == (207, [201])


def test_no_answer_sets_a_header_that_is_the_platforms() -> None:
    """Function Compute refuses them."""
    reserved = {"connection", "content-length", "date", "keep-alive", "server", "upgrade"}
    function = Function(lambda each: Unfinished(each, "quota", ""))
    answers = [function.post(REQUEST), function.post(b""), function.post(REQUEST, ASYNC), function.post([REQUEST])]
    answers += [function.respond(HttpRequest("GET", path)) for path in ("/healthz", "/openapi.json", "/modules", "/x")]
    names = {name.lower() for answer in answers for name in answer.headers}
    assert not names & reserved
    assert not any(name.startswith("x-fc-") for name in names)


def test_a_problem_keeps_no_half_of_a_surrogate_pair() -> None:
    answer = Function().post(b'{"ProductKey": "\\ud800", "ModuleName": "mcu"}')
    assert (answer.status, kind(answer)) == (422, "invalid")


def test_a_fault_of_ours_is_answered_without_its_text() -> None:
    def ensure(_request: ModuleRequest) -> Result:
        raise RuntimeError("testsecret")

    function = Function(ensure)
    answer = function.post(REQUEST)
    assert (answer.status, kind(answer)) == (500, "fault")
    assert b"testsecret" not in answer.body
    assert [str(error) for error in function.faults] == ["testsecret"]
