"""The process of a function: its results, its output, its errors, its end."""

import asyncio
import json
import re
import signal
from pathlib import Path

import psutil
import pytest

from emulator.fc.service import FunctionCompute, Invocation
from tests.emulator.fc.played import begin, call, config, play, write
from tests.support.interpreters import interpreter
from tests.support.processes import runs
from tests.support.waiting import soon


def test_results_are_serialised_as_the_platform_does(tmp_path: Path) -> None:
    for body, result in (
        ("return e", b"\x00raw"),
        ("return None", b"null"),
        ("return 'é'", "é".encode()),
        ("import decimal; return decimal.Decimal('1.5')", b"1.5"),
        ("import sys; return sys.stdout.write('x' * 200_000)", b"200000"),
    ):
        [answer] = call(write(tmp_path, f"def handler(e, c):\n    {body}"), b"\x00raw")
        assert (answer.body, answer.error_type) == (result, None)


def test_the_function_sees_what_the_platform_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Context, variables, credentials; the platform's internal variables, and this process's own, are hidden."""
    monkeypatch.setenv("OTA_SECRET_OF_MINE", "x")
    function = config("seen", environment={"OTA_X": "y"}, initializer="samples.initialize", timeout=7)
    seen, again = (json.loads(answer.body) for answer in call(function, b"", b""))
    assert (seen["type"], seen["timeout"], seen["ready"], seen["env"]["OTA_X"]) == ("bytes", 7, 1, "y")
    assert "credentials" in seen["context"]
    hidden = {"FC_TIMEOUT", "FC_RUNTIME_API", "FC_FUNCTION_VERSION", "OTA_SECRET_OF_MINE", "OTA_EMULATOR_CONTEXT"}
    assert not hidden & seen["env"].keys()
    assert {"FC_REGION", "FC_FUNCTION_NAME", "FC_INSTANCE_ID", "ALIBABA_CLOUD_SECURITY_TOKEN"} <= seen["env"].keys()
    assert (seen["pid"], seen["ready"]) == (again["pid"], again["ready"])


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13"])
def test_the_context_of_the_3_12_runtime_has_no_credentials(version: str) -> None:
    """On any interpreter: its version and the runtime's are independent."""
    [answer] = call(config("seen", runtime="python3.12", python=interpreter(version)))
    seen = json.loads(answer.body)
    assert seen["python"] == version
    assert not {"credentials", "service", "tracing", "retry_count"} & set(seen["context"])


def test_the_code_comes_first_and_is_where_the_function_runs(tmp_path: Path) -> None:
    """No module of the emulator hides one of the function's."""
    (tmp_path / "smq.py").write_text("WHOSE = 'mine'")
    source = "import os, sys, smq\ndef handler(e, c):\n    return ' '.join([smq.WHOSE, os.getcwd(), sys.path[0]])"
    assert call(write(tmp_path, source))[0].body.decode() == f"mine {tmp_path} {tmp_path}"


def test_output_is_in_the_log_between_the_platforms_lines(tmp_path: Path) -> None:
    """Standard output and standard error, in the order of their writing."""
    for body, lines in (
        ("print('out'); print('err', file=sys.stderr)", "out\nerr"),
        ("print('half', end='')", "half"),
        ("sys.stdout.buffer.write(b'raw')", "raw"),
        ("logging.getLogger().info('logged')", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ID \[INFO\] logged"),
    ):
        [answer] = call(write(tmp_path, f"import logging, sys\ndef handler(e, c):\n    {body}"))
        expected = f"FC Invoke Start RequestId: ID\n{lines}\nFC Invoke End RequestId: ID\n"
        assert re.fullmatch(expected.replace("ID", answer.request_id), answer.log.decode())


def test_a_write_is_cut_at_128_kib(tmp_path: Path) -> None:
    source = "import sys\ndef handler(e, c):\n    sys.stdout.write(('x' * 99 + '\\n') * 2000)"

    async def lines(service: FunctionCompute) -> list[str]:
        await service.invoke("f", b"")
        return list(service.functions["f"].lines)

    kept = [line for line in play(write(tmp_path, source), lines) if line.startswith("x")]
    assert sum(len(line) + 1 for line in kept) == pytest.approx(128 * 1024, abs=1)


def test_the_stack_of_an_error_begins_with_the_function(tmp_path: Path) -> None:
    source = "def handler(e, c):\n    inner()\ndef inner():\n    raise LookupError('something is wrong')"
    [answer] = call(write(tmp_path, source))
    file = f'File "{tmp_path / "mine.py"}"'
    assert json.loads(answer.body) == {
        "errorMessage": "something is wrong",
        "errorType": "LookupError",
        "stackTrace": [
            [file, "line 2", "in handler", "inner()"],
            [file, "line 4", "in inner", "raise LookupError('something is wrong')"],
        ],
    }


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("def handler(e, c):\n    return object()", "mine.handler", "TypeError"),
        ("raise ValueError('no')", "mine.handler", "UserCodeError"),
        ("def handler(", "mine.handler", "UserCodeSyntaxError"),
        ("", "mine.handler", "HandlerNotFound"),
        ("", "nowhere.f", "ImportModuleError"),
        ("", "nodots", "InvalidHandleName"),
    ],
)
def test_an_error_has_the_platforms_type(tmp_path: Path, source: str, handler: str, kind: str) -> None:
    """The process stays."""
    first, second = call(write(tmp_path, source, handler=handler), b"", b"")
    assert (first.error_type, json.loads(first.body)["errorType"]) == ("UnhandledInvocationError", kind)
    assert first.instance == second.instance


def test_a_failing_initializer_fails_the_call_and_the_next_has_a_new_instance() -> None:
    first, second = call(config("echo", initializer="samples.fail"), b"", b"")
    assert (first.error_type, second.error_type) == ("InitializationError", "InitializationError")
    assert b"something is wrong" in first.body
    assert first.instance != second.instance


def test_a_call_that_times_out_is_killed_and_shows_its_output_and_its_stacks(tmp_path: Path) -> None:
    """Also where the function catches its end; the processes that it started end with it."""
    source = """
        import subprocess, time
        def handler(e, c):
            print(subprocess.Popen(["sleep", "600"]).pid)
            while True:
                try:
                    time.sleep(60)
                except BaseException:
                    pass
    """

    async def scenario(service: FunctionCompute) -> Invocation:
        answer = await service.invoke("f", b"")
        await soon(lambda: not runs(int(answer.log.decode().splitlines()[1])))
        return answer

    answer: Invocation = play(write(tmp_path, source, timeout=1), scenario)
    assert answer.error_type == "UnhandledInvocationError"
    assert json.loads(answer.body)["errorMessage"] == "Function time out after 1 seconds"
    _, _, *stacks, end = answer.log.decode().splitlines()
    assert any("mine.py" in line for line in stacks)
    assert end == f"FC Invoke End RequestId: {answer.request_id}, Error: Function time out after 1 seconds"


@pytest.mark.parametrize("body", ["sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_the_end_of_the_process_is_an_error_and_the_next_call_works(tmp_path: Path, body: str) -> None:
    first, second = call(write(tmp_path, f"import os, sys\ndef handler(e, c):\n    e or {body}"), b"", b"x")
    assert "Process exited unexpectedly" in json.loads(first.body)["errorMessage"]
    assert second.error_type is None


def test_child_processes_do_not_inherit_the_platforms_socket(tmp_path: Path) -> None:
    """A program left behind would hold it open."""
    source = """
        import subprocess, sys
        SHOW = "import os, stat; print(sum(stat.S_ISSOCK(os.fstat(n).st_mode) for n in range(3, 20) if ok(n)))"
        OK = "def ok(n):\\n try: import os; os.fstat(n); return True\\n except OSError: return False\\n"
        def handler(e, c):
            return subprocess.run([sys.executable, "-c", OK + SHOW], close_fds=False, capture_output=True, text=True).stdout
    """
    assert call(write(tmp_path, source))[0].body == b"0\n"


@pytest.mark.parametrize("resumed", [False, True])
def test_a_paused_instance_times_out_unless_it_is_resumed(tmp_path: Path, resumed: bool) -> None:
    async def scenario(service: FunctionCompute) -> Invocation:
        running, instance = await begin(service)
        instance.signal(signal.SIGSTOP)
        await soon(lambda: psutil.Process(instance.pid).status() == psutil.STATUS_STOPPED)
        if resumed:
            instance.signal(signal.SIGCONT)
        return await running

    source = "import time\ndef handler(e, c):\n    time.sleep(0.5)\n    return 'late'"
    body = play(write(tmp_path, source, timeout=2), scenario).body
    assert body == b"late" if resumed else json.loads(body)["errorMessage"] == "Function time out after 2 seconds"


def test_a_caller_that_leaves_takes_the_instance_with_it(tmp_path: Path) -> None:
    """Its answer would be taken for the next call's, which has a new instance."""

    async def scenario(service: FunctionCompute) -> bytes:
        running, _ = await begin(service, b"60")
        running.cancel()
        await asyncio.wait({running})
        await soon(lambda: not service.instances)
        return (await service.invoke("f", b"0")).body

    source = "import time\ndef handler(e, c):\n    time.sleep(float(e))\n    return e"
    assert play(write(tmp_path, source, instances=1), scenario) == b"0"
