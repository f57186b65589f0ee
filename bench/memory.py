"""Peak memory of one delivery: `python memory.py NAME URL`, a bare process with the packages of PYTHONPATH.

`batch` is 1,000 messages of one request each, all finished; `large` is 100 messages of 48 KiB, far more requests than the share of
the quota serves in the time, so that most go back. Prints MiB.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

KIB = 1024
SETTINGS = {
    "batch": {"OTA_QPS": "1000000", "timeout": "300"},
    "large": {"OTA_QPS": "7", "timeout": "20"},
}


def batch() -> str:
    return _event(
        [
            json.dumps({"ProductKey": f"a1{n // 8:06d}", "ModuleName": f"m{n % 8}", "Desc": "a module"})
            for n in range(1000)
        ]
    )


def large() -> str:
    def body(message: int) -> str:
        requests: list[str] = []
        size = 2
        while size < 48 * KIB - 100:
            n = len(requests)
            requests.append(
                f'{{"ProductKey":"a1{message:03d}{n // 8:05d}","ModuleName":"mod{n % 8}","AliasName":"Module_{n}"}}'
            )
            size += len(requests[-1]) + 1
        return f"[{','.join(requests)}]"

    return _event([body(message) for message in range(100)])


def _event(bodies: list[str]) -> str:
    about = {"specversion": "1.0", "source": "acs:mns", "type": "mns:Queue:SendMessage"}
    return json.dumps(
        [{**about, "id": f"e{n}", "data": {"messageId": f"m{n}", "messageBody": body}} for n, body in enumerate(bodies)]
    )


def prepared(name: str) -> bytes:
    """Make the event in a process of its own, whose memory does not count."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            pipe.write({"batch": batch, "large": large}[name]())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        event = pipe.read()
    os.wait()
    return event


def main() -> None:
    name, url = sys.argv[1:]
    event = prepared(name)
    settings = SETTINGS[name]
    os.environ.update(
        OTA_REGION="cn-shanghai", OTA_IOT_ENDPOINT=url, OTA_MNS_ENDPOINT=url, OTA_RESULT_TOPIC="results", OTA_REQUEST_QUEUE="requests",
        OTA_QPS=settings["OTA_QPS"], ALIBABA_CLOUD_ACCESS_KEY_ID="testid", ALIBABA_CLOUD_ACCESS_KEY_SECRET="testsecret",
    )  # fmt: skip
    import ssl

    from handler import index

    ssl.create_default_context()
    index.initialize(None)
    kept, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the function's log
    function = SimpleNamespace(name="f", timeout=settings["timeout"])
    result = index.handler(event, SimpleNamespace(function=function, request_id="r"))
    # ru_maxrss would be the parent's, where that was larger.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    told = {"peak": int(status.partition("VmHWM:")[2].split()[0]) / KIB, "result": result}
    kept.write(json.dumps(told) + "\n")
    kept.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
