"""events/log.schema.json: every line that the function writes is as it says."""

import ast
import json
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema
import pytest
import redis

from deploy.log_lines import EVENTS, HEAD, log_schema
from handler.clock import Clock
from handler.log import Log
from handler.store import Question, Store
from tests.support import fake_iot
from tests.support.paths import ROOT
from tests.support.pipeline_world import wanted, world

LEVELS = ("debug", "info", "warning", "error")
LINE = jsonschema.Draft202012Validator(log_schema(), format_checker=jsonschema.FormatChecker())
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def written() -> Iterator[tuple[str, str]]:
    """Yield the event and the level of every call in the function's source that writes a line."""
    for path in (ROOT / "handler").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and "log" in f"{path.name} {ast.unparse(node.func)}".lower():
                    yield str(first.value), node.func.attr.upper()


def test_every_event_is_described_at_its_levels_and_none_is_invented() -> None:
    assert set(written()) == {(name, level) for name, event in EVENTS.items() for level in event.levels}


def check(lines: list[str]) -> set[str]:
    """Return the events of some lines, each as the schema says."""
    seen = [json.loads(line) for line in lines]
    assert [(line, error.message, error.context) for line in seen for error in LINE.iter_errors(line)] == []
    return {line["event"] for line in seen}


def test_real_lines_are_as_described() -> None:
    """Of requests that end well and badly, of a wrong deployment, and of a fault of the function's own."""
    faults = (fake_iot.fine, fake_iot.busy, fake_iot.denied, break_down)
    fine, busy, denied, broken = (world(*[fault] * 99) for fault in faults)
    fine.run(wanted(traceparent=TRACE, CorrelationId="c"), {"ProductKey": 5})
    busy.run(wanted(traceparent=TRACE, CorrelationId="c"))
    denied.run(wanted(IotInstanceId="iot-1"))
    broken.run(wanted())
    assert [check(each.lines) for each in (fine, busy, denied, broken)] == [
        {"request", "summary", *more} for more in ((), (), ("misconfigured",), ("internal_error",))
    ]
    [line] = busy.log("request")  # one that is not finished has all fields that there are
    assert line.keys() == {*HEAD, *EVENTS["request"].always, *EVENTS["request"].sometimes}


def break_down(_effect: object) -> Any:
    raise LookupError("a fault of our own")


@pytest.mark.parametrize("fault", [redis.ResponseError("no"), TimeoutError()])
def test_lines_about_the_store_are_as_described(fault: Exception) -> None:
    """One that it does not answer, and one that it answers again."""
    lines: list[str] = []

    def run(_key: str, _arguments: Sequence[float]) -> Sequence[int]:
        if not lines:
            raise fault
        return [1_000_000, 1_000_000, 1_100_000, 100_000, 0]

    store = Store("redis://store", Clock(), Log(write=lines.append), run)
    for _ in range(2):
        store.ask("key", Question(9.0))
    assert len(lines) == 2
    assert check(lines) == {"quota"}


def test_other_lines_are_refused() -> None:
    head = {"time": "2019-03-01T02:16:09.012Z", "level": "INFO", "version": "1"}
    others: list[object] = [{}, {"event": "summary"}, {**head, "event": "config_warning", "text": "", "b": 1}]
    assert not any(map(LINE.is_valid, others))
