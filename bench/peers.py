"""Ways to create so many modules: `python -m bench.peers NAME URL COUNT`, each in a process of its own.

Every way publishes nothing but ours, which does its whole job: read the batch, check, pace, sign, call, publish. Prints a JSON
object with the seconds it took, from the first call to the last answer, and its CPU seconds.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

KEYS = ("testid", "testsecret")
THREADS = 40
PATIENT = 1000


def wanted(number: int) -> dict[str, str]:
    """Return the n-th request: ten modules a product."""
    return {"ProductKey": f"a1Bench{number // 10:05d}", "ModuleName": f"m{number % 10}", "Desc": "a module"}


def queue_event(count: int) -> bytes:
    """The requests as an event stream pushes them."""
    about = {"specversion": "1.0", "source": "acs:mns", "type": "mns:Queue:SendMessage"}
    return json.dumps(
        [
            {**about, "id": f"e{n}", "data": {"messageId": f"m{n}", "messageBody": json.dumps(wanted(n))}}
            for n in range(count)
        ]
    ).encode()


def context(timeout: float) -> Any:
    credentials = SimpleNamespace(access_key_id=KEYS[0], access_key_secret=KEYS[1], security_token="")
    return SimpleNamespace(request_id="r", credentials=credentials, function=SimpleNamespace(name="f", timeout=timeout))


def ours(url: str, count: int) -> None:
    """Call the function itself; send again what a deadline leaves, as the queue would."""
    os.environ |= {
        "OTA_REGION": "cn-shanghai", "OTA_IOT_ENDPOINT": url, "OTA_MNS_ENDPOINT": url, "OTA_RESULT_TOPIC": "results",
        "OTA_REQUEST_QUEUE": "requests", "OTA_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    os.environ.setdefault("OTA_QPS", "9")
    from handler import index

    result = index.handler(queue_event(count), context(100_000))
    assert isinstance(result, dict)
    assert result["created"] == count, result


def acs_client(url: str) -> Callable[[dict[str, str]], None]:
    """Return what makes one call with the classic SDK, and raises its exceptions."""
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.request import CommonRequest

    client = AcsClient(*KEYS, "cn-shanghai", auto_retry=False)

    def call(parameters: dict[str, str]) -> None:
        request = CommonRequest(domain=url.removeprefix("http://"), version="2018-01-20", action_name="CreateOTAModule")
        request.set_protocol_type("http")
        request.set_method("POST")
        request.set_accept_format("json")
        for name, value in parameters.items():
            request.add_query_param(name, value)
        client.do_action_with_exception(request)

    return call


def loop_with_sleep(url: str, count: int) -> None:
    """Call AcsClient in a loop: sleep a second when throttled, try again."""
    from aliyunsdkcore.acs_exception.exceptions import ServerException

    call = acs_client(url)
    for number in range(count):
        for _ in range(PATIENT):
            try:
                call(wanted(number))
                break
            except ServerException:
                time.sleep(1)


def pool_with_tenacity(url: str, count: int) -> None:
    """Call AcsClient in a thread pool, with exponential backoff and full jitter."""
    from tenacity import retry, stop_after_attempt, wait_random_exponential

    call = retry(wait=wait_random_exponential(multiplier=0.5, max=20), stop=stop_after_attempt(PATIENT))(
        acs_client(url)
    )
    side_by_side(call, count)


def newer_sdk(url: str, count: int) -> None:
    """Call alibabacloud-iot20180120 in a thread pool, with its own retry options."""
    from alibabacloud_iot20180120.client import Client
    from alibabacloud_iot20180120.models import CreateOTAModuleRequest
    from alibabacloud_tea_openapi.models import Config
    from darabonba.policy.retry import RetryCondition, RetryOptions

    condition = RetryCondition(
        {"maxAttempts": PATIENT, "exception": ["ThrottlingException", "ClientException", "ServerException"],
         "errorCode": ["Throttling.User"], "backoff": {"policy": "FullJitter", "period": 500, "cap": 20_000}, "maxDelay": 20_000}
    )  # fmt: skip
    options = RetryOptions({"retryable": True, "retryCondition": [condition], "noRetryCondition": []})
    config = Config(
        access_key_id=KEYS[0], access_key_secret=KEYS[1], protocol="http", endpoint=url.removeprefix("http://"),
        region_id="cn-shanghai", retry_options=options,
    )  # fmt: skip
    client = Client(config)

    def call(parameters: dict[str, str]) -> None:
        request = CreateOTAModuleRequest(
            product_key=parameters["ProductKey"], module_name=parameters["ModuleName"], desc=parameters["Desc"]
        )
        for _ in range(PATIENT):
            try:
                client.create_otamodule(request)
                return
            except Exception:
                time.sleep(0.5)

    side_by_side(call, count)


def pool_with_aiolimiter(url: str, count: int) -> None:
    """Run a thread pool behind aiolimiter at 10 a second, throttles tried again after a second."""
    from aiolimiter import AsyncLimiter
    from aliyunsdkcore.acs_exception.exceptions import ServerException

    call = acs_client(url)

    async def every() -> None:
        limiter = AsyncLimiter(10, 1)
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(THREADS)

        async def one(number: int) -> None:
            for _ in range(PATIENT):
                async with limiter:
                    pass
                try:
                    await loop.run_in_executor(pool, call, wanted(number))
                    return
                except ServerException:
                    await asyncio.sleep(1)

        await asyncio.gather(*(one(number) for number in range(count)))

    asyncio.run(every())


def pool_with_pyrate(url: str, count: int) -> None:
    """Run a thread pool behind pyrate-limiter at 10 a second, throttles tried again after a second."""
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from pyrate_limiter import Duration, Limiter, Rate

    call = acs_client(url)
    limiter = Limiter(Rate(10, Duration.SECOND))

    def patiently(parameters: dict[str, str]) -> None:
        for _ in range(PATIENT):
            limiter.try_acquire("api", blocking=True)
            try:
                return call(parameters)
            except ServerException:
                time.sleep(1)

    side_by_side(patiently, count)


def side_by_side(call: Callable[[dict[str, str]], object], count: int) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(call, (wanted(number) for number in range(count))))


PEERS: dict[str, Callable[[str, int], None]] = {
    "ota-modules": ours,
    "AcsClient, loop": loop_with_sleep,
    "AcsClient, pool, tenacity": pool_with_tenacity,
    "iot20180120, pool, its retries": newer_sdk,
    "AcsClient, pool, aiolimiter": pool_with_aiolimiter,
    "AcsClient, pool, pyrate-limiter": pool_with_pyrate,
}


def main() -> None:
    import logging

    logging.disable(logging.CRITICAL)  # the SDK prints every throttle, with its keys
    name, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    began, cpu = time.monotonic(), time.process_time()
    PEERS[name](url, count)
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
