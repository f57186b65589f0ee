"""`ota-modules invoke`, against a whole local cloud."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.command import endpoints


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        ("triggers/rocketmq.json", 0, '"created": 1', ""),
        ("triggers/kafka-object.json --log", 0, "", "FC Invoke End"),
        ("http/created.json --http {http}", 0, "201 ", ""),
        # The address may name the path, as `make run` prints it.
        ("http/healthz.json --http {http}/modules", 0, "200 ", ""),
        # An answer that is no success is shown all the same.
        ("http/invalid.json --http {http}/modules", 3, "422 application/problem+json", "answered 422"),
        ("http/invalid.json --http {http}/modules --json", 3, '"Error": ', "answered 422"),
        # A bare request is posted to /modules, which need not be written.
        ("requests/documentation.json --http {http}", 0, "201 ", ""),
        # To the function it would be an event of a kind that nobody knows.
        ("http/created.json", 2, "", "--http"),
        # Nothing that the local cloud's key signs leaves this machine.
        ("http/created.json --http https://abc.cn-shanghai.fcapp.run", 2, "", "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ("triggers/rocketmq.json --function nothing", 1, "", "nothing"),
        ("triggers/nothing.json", 2, "", "triggers/nothing.json"),
        # An event of no known trigger fails with the function's error.
        ("{unknown}", 1, "", "EnvelopeError"),
        # Though the invocation itself succeeded, requests that do not are told by the exit status.
        ("requests/invalid-everywhere.json --json", 3, '"rejected": 1', "1 rejected"),
    ],
)
def test_an_event_is_sent_and_its_result_shown(
    local: LocalCloud, ota_modules: Any, write: Any, words: str, status: int, out: str, err: str
) -> None:
    """By invocation, or over HTTP, signed."""
    http, unknown = f"{local.urls.fc}/ota-modules-http", write("event.json", '{"Records": []}')
    ended = ota_modules("invoke", *words.format(http=http, unknown=unknown).split(), **endpoints(local))
    assert (ended.status, out in ended.out, err in ended.err) == (status, True, True), ended


def test_a_function_that_is_busy_with_the_queue_is_reported_with_what_to_do(ota_modules: Any, serve: Any) -> None:
    """The function for HTTP is another one."""
    busy = Starlette(routes=[Route("/{path:path}", lambda _: Response("{}", 429), methods=["POST"])])
    ended = ota_modules("invoke", "triggers/rocketmq.json", OTA_FC_ENDPOINT=serve(busy))
    assert (ended.status, "try --function ota-modules-http, or --http" in ended.err) == (1, True)
