"""CPU for each request, without quota and latency: `python -m bench.overhead NAME URL COUNT`.

`ours` is the whole handler with a queue batch; `floor` signs by hand, calls with http.client and publishes raw; `sdks` is
AcsClient, mns.account and pydantic doing the same. Prints CPU seconds.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
import uuid
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bench.peers import KEYS, context, queue_event, wanted


def outcome(number: int) -> str:
    """Write an outcome of the usual size."""
    data = {"Status": "created", **wanted(number), "RequestId": "R", "Attempts": 1}
    head = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/ota-modules/cn-shanghai/f",
        "type": "ota.module.created",
    }
    return json.dumps(
        {**head, "subject": "s", "datacontenttype": "application/json", "causationid": f"m{number}", "data": data}
    )


def ours(url: str, count: int) -> None:
    os.environ |= {
        "OTA_REGION": "cn-shanghai", "OTA_IOT_ENDPOINT": url, "OTA_MNS_ENDPOINT": url, "OTA_RESULT_TOPIC": "results",
        "OTA_REQUEST_QUEUE": "requests", "OTA_QPS": "1000000",
    }  # fmt: skip
    from handler import index

    assert index.handler(queue_event(count), context(1000))["created"] == count  # type: ignore[index]


def floor(url: str, count: int) -> None:
    parts = urlsplit(url)
    api = http.client.HTTPConnection(parts.hostname or "", parts.port)
    topic = http.client.HTTPConnection(parts.hostname or "", parts.port)
    for event in json.loads(queue_event(count)):
        api.request("POST", signed(json.loads(event["data"]["messageBody"])), headers={"Content-Length": "0"})
        assert json.loads(api.getresponse().read())["Success"]
        body = (
            '<?xml version="1.0" encoding="utf-8"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageBody>'
            f"{base64.b64encode(outcome(1).encode()).decode()}</MessageBody><MessageTag>created</MessageTag></Message>"
        )
        topic.request("POST", "/topics/results/messages", body, raw_headers(body))
        assert topic.getresponse().read()


def signed(parameters: dict[str, str]) -> str:
    common = {
        "Version": "2018-01-20", "Action": "CreateOTAModule", "RegionId": "cn-shanghai", "Format": "JSON",
        "AccessKeyId": KEYS[0], "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": str(uuid.uuid4()),
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }  # fmt: skip
    query = urlencode(sorted({**common, **parameters}.items()), quote_via=quote, safe="-_.~")
    text = f"POST&%2F&{quote(query, safe='-_.~')}"
    signature = base64.b64encode(hmac.digest(f"{KEYS[1]}&".encode(), text.encode(), "sha1")).decode()
    return f"/?{query}&Signature={quote(signature, safe='')}"


def raw_headers(body: str) -> dict[str, str]:
    date = formatdate(usegmt=True)
    digest = base64.b64encode(hashlib.md5(body.encode()).hexdigest().encode()).decode()
    kind = "text/xml;charset=UTF-8"
    text = f"POST\n{digest}\n{kind}\n{date}\nx-mns-version:2015-06-06\n/topics/results/messages"
    signature = base64.b64encode(hmac.digest(KEYS[1].encode(), text.encode(), "sha1")).decode()
    return {
        "content-md5": digest, "content-type": kind, "x-mns-version": "2015-06-06", "date": date,
        "Authorization": f"MNS {KEYS[0]}:{signature}",
    }  # fmt: skip


def sdks(url: str, count: int) -> None:
    from mns.account import Account
    from mns.topic import Base64TopicMessage
    from pydantic import BaseModel

    from bench.peers import acs_client

    class Request(BaseModel):
        ProductKey: str
        ModuleName: str
        Desc: str

    call = acs_client(url)
    topic: Any = Account(url, *KEYS).get_topic("results")
    for event in json.loads(queue_event(count)):
        request = Request.model_validate_json(event["data"]["messageBody"])
        call(request.model_dump())
        topic.publish_message(Base64TopicMessage(outcome(1), "created"))


def main() -> None:
    name, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ways = {"ours": ours, "floor": floor, "sdks": sdks}
    ways[name](url, 1)  # imports and connections are the cold start's, not the request's
    kept, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the function's log
    cpu, began = time.process_time(), time.monotonic()
    ways[name](url, count)
    told = {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - began}
    kept.write(json.dumps(told) + "\n")
    kept.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
