"""The program of one function instance: does what the platform's Python runtime does, one request at a time.

Run as `python program.py FD LIFELINE` with the code directory as working directory; it imports nothing but the standard
library, the function's code, and steps.py beside it for an invocation that is to end at a step. FD is a socket to the emulator:
frames of a 4-byte length, a JSON header, a 4-byte length and a body. LIFELINE is a pipe that closes when the emulator is gone.
"""

import contextlib
import ctypes
import datetime
import decimal
import faulthandler
import importlib
import importlib.util
import io
import json
import logging
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

LONGEST_WRITE = 128 * 1024
PR_SET_PDEATHSIG = 1
# The variables that the platform lets the code see; every other FC_ variable is removed.
VISIBLE = {
    "FC_FUNC_CODE_PATH", "FC_ACCOUNT_ID", "FC_FUNCTION_HANDLER", "FC_FUNCTION_MEMORY_SIZE", "FC_FUNCTION_NAME", "FC_REGION",
    "FC_INSTANCE_ID", "FC_VER_ID", "FC_RUNTIME_VERSION", "FC_SNAPSHOT_FLAG", "FC_SERVICE_NAME", "FC_QUALIFIER",
}  # fmt: skip

STEPS = Path(__file__).with_name("steps.py")
HIDDEN_FRAMES = (__file__, str(STEPS), str(importlib.__file__), "<frozen importlib")
"""Files whose frames are left out of the stack trace shown to the user."""

Header = dict[str, Any]


class Wire:
    """Frames to and from the emulator."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        # Programs that the function starts must not hold it open when this process is gone.
        self._socket.set_inheritable(False)
        self._incoming = self._socket.makefile("rb")

    def receive(self) -> tuple[Header, bytes]:
        """Wait for the next frame; end the process if the emulator is gone."""
        return json.loads(self._block()), self._block()

    def send(self, header: Header, body: bytes) -> None:
        head = json.dumps(header).encode()
        self._socket.sendall(struct.pack(">I", len(head)) + head + struct.pack(">I", len(body)) + body)

    def _block(self) -> bytes:
        return self._exactly(struct.unpack(">I", self._exactly(4))[0])

    def _exactly(self, size: int) -> bytes:
        data = self._incoming.read(size)
        if len(data) < size:
            os._exit(0)
        return data


class Output(io.FileIO):
    """Standard output or error: unbuffered, and no more than 128 KiB of a single write."""

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        left = memoryview(data).cast("B")[:LONGEST_WRITE]
        while left:
            left = left[super().write(left) :]
        return memoryview(data).nbytes

    @classmethod
    def text(cls, descriptor: int) -> io.TextIOWrapper:
        return io.TextIOWrapper(cls(descriptor, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)


class Formatter(logging.Formatter):
    """`YYYY-MM-DDTHH:MM:SS.mmmZ <request id> [LEVEL] message`."""

    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{moment}.{int(record.msecs):03d}Z {Formatter.request_id} [{record.levelname}] "
        return head + super().format(record)


class Problem(Exception):
    """The function cannot be used; `kind` is the errorType that the platform names."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def load_function(name: str) -> Callable[..., Any]:
    """Import the function `module.func`; `/` and `.` lead into packages. Raises: Problem."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Problem("InvalidHandleName", f"Invalid handler name: {name}")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except SyntaxError as error:
        raise Problem("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    except ImportError as error:
        raise Problem("ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except Exception as error:
        raise Problem("UserCodeError", f"Module '{module_name}' failed: {type(error).__name__}: {error}") from error
    handler = getattr(module, function, None)
    if not callable(handler):
        raise Problem("HandlerNotFound", f"Handler '{function}' is missing on module '{module_name}'")
    return handler  # type: ignore[no-any-return]


def build_context(header: Header, flavour: str) -> SimpleNamespace:
    """Return the function's second argument: in the 3.10 runtime it has keys, service and tracing, in the 3.12 runtime not."""
    environ = os.environ
    function = SimpleNamespace(
        name=environ["FC_FUNCTION_NAME"],
        handler=environ["FC_FUNCTION_HANDLER"],
        memory=int(environ["FC_FUNCTION_MEMORY_SIZE"]),
        timeout=header["timeout"],
    )
    common: dict[str, Any] = {
        "request_id": header["request_id"],
        "function": function,
        "region": environ["FC_REGION"],
        "account_id": environ["FC_ACCOUNT_ID"],
        "logger": logging.getLogger() if flavour == "3.12" else None,
    }
    if flavour == "3.12":
        function.version_id = function.qualifier = "LATEST"
        return SimpleNamespace(**common, log_project="", log_store="")
    key = header["credentials"]
    credentials = SimpleNamespace(
        access_key_id=key["id"], access_key_secret=key["secret"], security_token=key["token"],
        accessKeyId=key["id"], accessKeySecret=key["secret"], securityToken=key["token"],
    )  # fmt: skip
    service = SimpleNamespace(
        name=header.get("service", ""),
        log_project="",
        log_store="",
        qualifier=header.get("qualifier", ""),
        version_id="",
    )
    tracing = SimpleNamespace(span_context=header.get("span_context"), jaeger_endpoint=None, span_baggages={})
    return SimpleNamespace(
        **common,
        requestId=header["request_id"],
        credentials=credentials,
        service=service,
        retry_count=header.get("retry_count", 0),
        tracing=tracing,
        getLogger=logging.getLogger,
        to_json=lambda: json.dumps(common, default=str),
    )


def to_json_value(value: Any) -> Any:  # noqa: ANN401 - any value that a function returns
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if hasattr(value, "to_json"):
        return value.to_json()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def serialise(result: object) -> bytes:
    """Return bytes and text as they are, all else as JSON with an indent of 4 and sorted keys."""
    if isinstance(result, bytes):
        return result
    text = result if isinstance(result, str) else json.dumps(result, indent=4, sort_keys=True, default=to_json_value)
    return text.encode()


def describe_error(error: BaseException) -> bytes:
    """Describe an error as the platform does: with the function's own frames alone."""
    kind, cause = (error.kind, error.__cause__) if isinstance(error, Problem) else (type(error).__name__, error)
    frames = traceback.extract_tb(cause.__traceback__) if cause else []
    stack = [
        [f'File "{frame.filename}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""]
        for frame in frames
        if not frame.filename.startswith(HIDDEN_FRAMES)
    ]
    content = {"errorMessage": str(error), "errorType": kind, "stackTrace": stack}
    return json.dumps(content, indent=4, sort_keys=True).encode()


def wsgi_environ(header: Header, body: bytes, context: SimpleNamespace) -> dict[str, Any]:
    """Return the WSGI environment of an FC 2.0 HTTP trigger."""
    parts = header["http"]
    names: dict[str, str] = {}
    for name, value in parts["headers"]:
        key = "HTTP_" + name.upper().replace("-", "_")
        names[key] = f"{names[key]},{value}" if key in names else value
    return {
        **os.environ, **names,
        "CONTENT_LENGTH": str(len(body)), "HTTP": "on", "SCRIPT_NAME": "", "SERVER_NAME": "FCRUNTIME", "SERVER_PORT": "9000",
        "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "FCRUNTIME/1.0", "CONTENT_TYPE": names.get("HTTP_CONTENT_TYPE", ""),
        "QUERY_STRING": parts["query"], "PATH_INFO": parts["path"], "REQUEST_METHOD": parts["method"],
        "REMOTE_ADDR": parts["client"], "wsgi.version": (1, 0), "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http", "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "fc.request_uri": parts["uri"], "fc.context": context, "HTTP_X_FC_FUNCTION_HANDLER": os.environ["FC_FUNCTION_HANDLER"],
    }  # fmt: skip


def call_wsgi(function: Callable[..., Iterable[Any]], environ: dict[str, Any]) -> tuple[Header, bytes]:
    """Call a WSGI application; return the status and headers, and the whole body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], _info: object = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return written.append

    answer = function(environ, start_response)
    try:
        parts = [answer] if isinstance(answer, bytes) else answer
        written += [part.encode() if isinstance(part, str) else part for part in parts]
    finally:
        getattr(answer, "close", lambda: None)()
    if not started:
        raise RuntimeError("the application did not call start_response")
    status, headers = started[-1]
    return {"status": int(status.split(" ", 1)[0]), "headers": headers}, b"".join(written)


def load_ending_at() -> Callable[[list[str]], contextlib.AbstractContextManager[None]]:
    """Load `steps.ending_at` from its file, so that it hides no module of the function's."""
    spec = importlib.util.spec_from_file_location("emulator.fc.runtime.steps", STEPS)
    if spec is None or spec.loader is None:
        raise ImportError(str(STEPS))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ending_at  # type: ignore[no-any-return]


class Runtime:
    """Answers one frame after another."""

    def __init__(self, wire: Wire, flavour: str) -> None:
        self._wire = wire
        self._flavour = flavour
        self._handler: Callable[..., Any] | None = None

    def run(self) -> None:
        while True:
            header, body = self._wire.receive()
            Formatter.request_id = header["request_id"]
            try:
                answer, content = self._answer(header, body)
            except Exception as error:  # noqa: BLE001 - the platform catches these, and no other
                answer, content = {"error_type": "UnhandledInvocationError"}, describe_error(error)
                sys.stdout.write(f"{content.decode()}\n")
            self._wire.send({**answer, "memory": peak_memory()}, content)

    def _answer(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        context = build_context(header, self._flavour)
        if header["kind"] == "initialize":
            load_function(header["handler"])(context)
            return {}, b""
        if self._handler is None:
            self._handler = load_function(os.environ["FC_FUNCTION_HANDLER"])
        with load_ending_at()(header["steps"]) if header["steps"] else contextlib.nullcontext():
            if header["kind"] == "wsgi":
                return call_wsgi(self._handler, wsgi_environ(header, body, context))
            return {}, serialise(self._handler(body, context))


def stop(_number: int, _frame: FrameType | None) -> None:
    """On SIGTERM, write the stacks of all threads and end, as the platform's runtime does."""
    faulthandler.dump_traceback(2)
    sys.exit(143)


def peak_memory() -> float:
    """Return the most that this process ever used, in MB; Linux gives it in KB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def die_with_parent(lifeline: int) -> None:
    """End this process with the emulator, also while the function runs, hangs or is paused."""
    os.set_inheritable(lifeline, False)
    threading.Thread(target=wait_for_end, args=(lifeline,), name="lifeline", daemon=True).start()
    if sys.platform == "linux":
        # A paused process runs no thread: without the kernel's help it ends only when it is resumed.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    wire = Wire(int(sys.argv[1]))
    del sys.argv[1:]
    flavour = os.environ.pop("OTA_EMULATOR_CONTEXT", "3.10")
    visible = VISIBLE | ({"FC_FUNCTION_VERSION"} if flavour == "3.12" else set())
    for name in [name for name in os.environ if name.lstrip("_").startswith("FC_") and name not in visible]:
        del os.environ[name]
    sys.stdout, sys.stderr = Output.text(1), Output.text(2)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Formatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    # This file's folder stands first, unless Python was told to leave it out: no module in it may hide the function's.
    sys.path[:] = [os.environ["FC_FUNC_CODE_PATH"], *(path for path in sys.path if path != str(Path(__file__).parent))]
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Runtime(wire, flavour).run()


if __name__ == "__main__":
    main()
