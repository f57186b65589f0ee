"""The process of a function: its output, its errors, its end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.fc.config import FunctionConfig
from emulator.fc.service import FunctionCompute, Invocation
from tests.emulator.fc.played import play
from tests.support.interpreters import interpreter
from tests.support.paths import ROOT
from tests.support.waiting import soon


def configured(folder: Path, source: str, **more: Any) -> FunctionConfig:
    (folder / "mine.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return FunctionConfig("f", "mine.handler", folder, **more)


def called(config: FunctionConfig, event: bytes = b"") -> Invocation:
    result: Invocation = play(config, lambda service: service.invoke("f", event))
    return result


def runs(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# Output


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("print('out'); print('err', file=sys.stderr)", ["out", "err"]),
        ("print('half', end='')", ["half"]),
        ("sys.stdout.buffer.write(b'raw')", ["raw"]),
    ],
)
def test_output_is_in_the_log_between_the_platforms_lines(tmp_path: Path, body: str, lines: list[str]) -> None:
    """Standard output and standard error, in the order of their writing."""
    result = called(configured(tmp_path, f"import sys\ndef handler(e, c):\n    {body}"))
    start, end = (f"FC Invoke {name} RequestId: {result.request_id}" for name in ("Start", "End"))
    assert result.log.decode().splitlines() == [start, *lines, end]


def test_a_write_is_cut_at_128_kib(tmp_path: Path) -> None:
    source = """
        import sys
        def handler(e, c):
            return sys.stdout.write(("x" * 99 + "\\n") * 2000)
    """

    async def lines(service: FunctionCompute) -> list[str]:
        assert (await service.invoke("f", b"")).body == b"200000"
        return list(service.functions["f"].lines)

    kept = [line for line in play(configured(tmp_path, source), lines) if line.startswith("x")]
    assert sum(len(line) + 1 for line in kept) == pytest.approx(128 * 1024, abs=1)


# Errors


def test_the_stack_of_an_error_begins_with_the_function(tmp_path: Path) -> None:
    source = """
        def handler(e, c):
            inner()
        def inner():
            raise LookupError("something is wrong")
    """
    error = json.loads(called(configured(tmp_path, source)).body)
    assert list(error) == ["errorMessage", "errorType", "stackTrace"]
    assert error["stackTrace"] == [
        [f'File "{tmp_path / "mine.py"}"', "line 3", "in handler", "inner()"],
        [f'File "{tmp_path / "mine.py"}"', "line 5", "in inner", 'raise LookupError("something is wrong")'],
    ]


@pytest.mark.parametrize(
    ("source", "kind"),
    [("raise ValueError('no')", "UserCodeError"), ("def handler(", "UserCodeSyntaxError"), ("", "HandlerNotFound")],
)
def test_the_reason_why_code_cannot_be_used_is_reported(tmp_path: Path, source: str, kind: str) -> None:
    """As the platform reports it; the process stays."""
    result = called(configured(tmp_path, source))
    assert (result.error_type, json.loads(result.body)["errorType"]) == ("UnhandledInvocationError", kind)


def test_a_call_that_times_out_shows_what_it_printed_and_where_it_stood(tmp_path: Path) -> None:
    """SIGTERM makes the runtime dump all stacks."""
    source = "import time\ndef handler(e, c):\n    print('before')\n    time.sleep(60)"
    result = called(configured(tmp_path, source, timeout=1))
    log = result.log.decode()
    assert json.loads(result.body)["errorMessage"] == "Function time out after 1 seconds"
    assert "before\n" in log
    assert "mine.py" in log
    assert f"FC Invoke End RequestId: {result.request_id}, Error: Function time out after 1 seconds" in log


def test_a_function_that_will_not_end_is_killed(tmp_path: Path) -> None:
    source = """
        import time
        def handler(e, c):
            while True:
                try:
                    time.sleep(60)
                except BaseException:
                    pass
    """
    assert called(configured(tmp_path, source, timeout=0.5)).error_type == "UnhandledInvocationError"


def test_child_processes_end_with_the_function(tmp_path: Path) -> None:
    source = """
        import subprocess, time
        def handler(e, c):
            print(subprocess.Popen(["sleep", "600"]).pid)
            time.sleep(60)
    """

    async def scenario(service: FunctionCompute) -> None:
        result = await service.invoke("f", b"")
        pid = int(result.log.decode().splitlines()[1])
        await soon(lambda: not runs(pid))

    play(configured(tmp_path, source, timeout=1), scenario)


def test_child_processes_do_not_inherit_the_platforms_socket(tmp_path: Path) -> None:
    """A program left behind would hold it open."""
    source = """
        import subprocess, sys
        SHOW = "import os, stat; print(sum(stat.S_ISSOCK(os.fstat(n).st_mode) for n in range(3, 20) if ok(n)))"
        OK = "def ok(n):\\n try: import os; os.fstat(n); return True\\n except OSError: return False\\n"
        def handler(e, c):
            return subprocess.run([sys.executable, "-c", OK + SHOW], close_fds=False, capture_output=True, text=True).stdout
    """
    assert called(configured(tmp_path, source)).body == b"0\n"


# Its place


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13"])
def test_any_interpreter_runs_either_form_of_the_context(tmp_path: Path, version: str) -> None:
    """The versions of the interpreter and of the runtime are independent."""
    source = (
        "import sys\ndef handler(e, c):\n    return '%d.%d ' % sys.version_info[:2] + str(hasattr(c, 'credentials'))"
    )
    config = configured(tmp_path, source, python=interpreter(version), runtime="python3.12")
    assert called(config).body.decode() == f"{version} False"


def test_the_code_comes_first_and_is_where_the_function_runs(tmp_path: Path) -> None:
    """No module of the emulator hides one of the function's."""
    (tmp_path / "smq.py").write_text("WHOSE = 'mine'")
    source = "import os, sys, smq\ndef handler(e, c):\n    return ' '.join([smq.WHOSE, os.getcwd(), sys.path[0]])"
    assert called(configured(tmp_path, source)).body.decode() == f"mine {tmp_path} {tmp_path}"


def test_the_environment_of_this_process_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Except PATH and HOME."""
    monkeypatch.setenv("OTA_SECRET_OF_MINE", "x")
    source = "import os\ndef handler(e, c):\n    return sorted(os.environ)"
    names = set(json.loads(called(configured(tmp_path, source)).body))
    assert not {"OTA_SECRET_OF_MINE", "OTA_EMULATOR_CONTEXT"} & names
    assert {"FC_FUNCTION_NAME", "FC_INSTANCE_ID", "ALIBABA_CLOUD_SECURITY_TOKEN"} <= names


# Its end


@pytest.mark.parametrize("resumed", [False, True])
def test_a_paused_instance_times_out_unless_it_is_resumed(tmp_path: Path, resumed: bool) -> None:
    """SIGSTOP and SIGCONT."""
    source = "import time\ndef handler(e, c):\n    time.sleep(0.5)\n    return 'late'"

    async def scenario(service: FunctionCompute) -> Invocation:
        call = asyncio.ensure_future(service.invoke("f", b""))
        await soon(lambda: service.instances and service.instances[0].state == "busy")
        [instance] = service.instances
        instance.signal(signal.SIGSTOP)
        await soon(lambda: psutil.Process(instance.pid).status() == psutil.STATUS_STOPPED)
        if resumed:
            instance.signal(signal.SIGCONT)
        return await call

    body = play(configured(tmp_path, source, timeout=2), scenario).body
    assert body == b"late" if resumed else json.loads(body)["errorMessage"] == "Function time out after 2 seconds"


def test_a_caller_that_leaves_takes_the_instance_with_it(tmp_path: Path) -> None:
    """Its answer would be taken for the next call's, which has a new instance."""
    source = "import time\ndef handler(e, c):\n    time.sleep(float(e))\n    return e"

    async def scenario(service: FunctionCompute) -> bytes:
        call = asyncio.ensure_future(service.invoke("f", b"60"))
        await soon(lambda: service.instances and service.instances[0].state == "busy")
        call.cancel()
        await asyncio.wait({call})
        await soon(lambda: not service.instances)
        return (await service.invoke("f", b"0")).body

    assert play(configured(tmp_path, source, instances=1), scenario) == b"0"


@pytest.mark.parametrize("paused", [False, True])
def test_no_process_outlives_an_emulator_that_is_killed(tmp_path: Path, paused: bool) -> None:
    """Neither in the middle of a call nor paused."""
    source = "import os, time\ndef handler(e, c):\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(60)"
    configured(tmp_path, source)
    emulator = f"""
        import asyncio
        from pathlib import Path
        from emulator.ram.keys import Accounts
        from emulator.fc.service import FunctionCompute
        from emulator.fc.config import FunctionConfig
        service = FunctionCompute(Accounts(), [FunctionConfig("f", "mine.handler", Path({str(tmp_path)!r}))])
        asyncio.run(service.invoke("f", b""))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(emulator)], cwd=ROOT)
    try:
        written = tmp_path / "pid"
        asyncio.run(soon(lambda: written.exists() and written.read_text()))
        pid = int(written.read_text())
        if paused:
            os.kill(pid, signal.SIGSTOP)
            asyncio.run(soon(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED))
    finally:
        process.kill()
        process.wait()
    asyncio.run(soon(lambda: not runs(pid)))
