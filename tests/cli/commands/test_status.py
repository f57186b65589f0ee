"""`ota-modules status`, and the same figures inside `send --wait`."""

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from cli.clients import http
from cli.clients.figures import NAMESPACE, read_account
from cli.clients.target import Target
from cli.sending.status import line, table


def test_what_waits_is_shown_though_smq_hides_it(ota_modules: Any, live: Any, manifest_of: Any) -> None:
    """With the time that it takes, the stream's state, and the run that sent it."""
    ota_modules("faults", "set", "service=smq", "kind=hide-depths")
    ota_modules("pause")
    ota_modules("send", manifest_of("mcu", "modem"))
    [status] = ota_modules("status", "--json").records
    assert status["Waiting"]["Value"] == 2
    assert status["Share"]["Value"] == pytest.approx(6.9, abs=0.2)
    assert (status["SecondsLeft"], status["Streams"][0]["State"]) == (0, "Paused")
    assert (status["Runs"][0]["Sent"], status["Runs"][0]["Answered"]) == (2, 0)
    assert "once the stream runs" in ota_modules("status").out


def test_an_outage_is_shown_with_its_reason(ota_modules: Any, live: Any, manifest_of: Any) -> None:
    """By status, and by the send that waits for outcomes which do not come."""
    ota_modules("faults", "set", "service=iot", "kind=status", "status=503")
    ended = ota_modules("send", manifest_of("mcu", "modem"), "--wait", "--timeout", "8")
    assert ended.status == 1
    for words in ("ServiceUnavailable", "queued ahead", "ota-modules cancel"):
        assert words in ended.err
    [status] = ota_modules("status", "--json").records
    assert "ServiceUnavailable" in status["LastError"]["Text"]


def test_watch_shows_it_until_interrupted(ota_modules: Any, live: Any) -> None:
    """One record a look."""
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    ended = ota_modules("status", "--watch", "--every", "0.3", "--json")
    timer.join()
    assert ended.status == 0
    assert len(ended.records) >= 2


def answering(datapoints: Mapping[str, Any], rows: Any = None) -> Any:
    """CloudMonitor with these values by metric and queue, and the log with these rows; EventBridge may not be used."""

    def send(url: str, _method: str, headers: Mapping[str, str], _body: bytes) -> http.Answer:
        if "eventbridge" in url:
            return http.Answer(403, {}, b'{"Code": "NoPermission", "Message": "no"}')
        if ".log." in url:
            assert url.startswith("https://ota-modules-1.cn-shanghai.log.aliyuncs.com/logstores/ota-module-logs?")
            assert headers["Authorization"].startswith("LOG LTAI5tExample:")
            found = rows["errors" if "reverse=true" in url else "counts"] if rows else {"errorCode": "Unauthorized"}
            return http.Answer(200 if rows else 403, {}, json.dumps(found).encode())
        points: Any = next((points for name, points in datapoints.items() if name in url), [])
        return http.Answer(200, {}, json.dumps({"Code": "200", "Datapoints": json.dumps(points)}).encode())

    return send


def test_an_account_s_figures_are_as_old_as_cloudmonitor_has_them(account: Target) -> None:
    """The newest point counts; what nobody tells says why."""
    now = time.time() * 1000
    points = [{"timestamp": now - 180_000, "Maximum": 7}, {"timestamp": now - 90_000, "Maximum": 1900}]
    figures = read_account(account, send=answering({"NumberOfMessagesVisible": points}), tell=lambda _queue: {})
    assert figures.waiting.value == 1900
    assert figures.waiting.age == pytest.approx(90, abs=5)
    assert NAMESPACE in figures.in_flight.unknown
    assert "Unauthorized" in figures.calls.unknown
    assert [part in "; ".join(figures.unknown) for part in ("NoPermission", "last error")] == [True, True]
    assert "1,900 queued ahead" in line(figures)
    assert dict(table(figures))["waiting"].endswith("(1 min 30 s ago)")


def test_an_account_s_rates_and_last_error_come_from_the_log(account: Target) -> None:
    """Of the logstore of template.yml. A count above zero of SMQ is taken, and a zero is not."""
    message = {"level": "ERROR", "event": "request", "reason": "misconfigured", "detail": "NoPermission"}
    errors = [{"message": json.dumps(message), "__time__": str(int(time.time()) - 60)}]
    send = answering({}, {"counts": [{"calls": "1500", "outcomes": "600"}], "errors": errors})
    figures = read_account(account, send=send, tell=lambda _queue: {"active": 3, "inactive": 0, "delayed": 0})
    assert (figures.calls.value, figures.outcomes.value) == (5.0, 2.0)
    assert figures.last_error is not None
    assert figures.last_error.text == "request misconfigured NoPermission"
    assert figures.last_error.age == pytest.approx(60, abs=3)
    assert (figures.waiting.value, figures.in_flight.value) == (3, None)
    assert figures.seconds_left is not None
