"""One cold start: `python cold.py NAME URL`, a bare process from nothing to the first outcome.

The packages come from PYTHONPATH. `ours` is the handler with its initializer and a message of a queue, `http` the same with a
request over HTTP; `floor` is pydantic, the composer and http.client;
`sdks` is AcsClient, mns.account and pydantic. Each makes a TLS context, as the endpoints of the cloud need one; the server here
does not.
"""

import json
import os
import sys
from types import SimpleNamespace
from typing import Any

REQUEST = '{"ProductKey": "a1Bench00000", "ModuleName": "m0"}'


def ours(url: str) -> None:
    data = {"messageId": "m0", "messageBody": REQUEST}
    event = {"specversion": "1.0", "id": "e0", "source": "acs:mns", "type": "mns:Queue:SendMessage", "data": data}
    assert called(url, [event])["created"] == 1


def http(url: str) -> None:
    context = {"requestId": "r", "http": {"method": "POST", "path": "/modules", "protocol": "HTTP/1.1"}}
    event = {"version": "v1", "rawPath": "/modules", "body": REQUEST, "headers": {}, "requestContext": context}
    assert called(url, event)["statusCode"] == 201


def called(url: str, event: object) -> Any:
    os.environ.update(
        OTA_REGION="cn-shanghai", OTA_IOT_ENDPOINT=url, OTA_MNS_ENDPOINT=url, OTA_RESULT_TOPIC="results",
        OTA_REQUEST_QUEUE="requests", OTA_LOG_LEVEL="ERROR", ALIBABA_CLOUD_ACCESS_KEY_ID="testid",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET="testsecret",
    )  # fmt: skip
    import ssl

    from handler import index

    ssl.create_default_context()
    index.initialize(None)
    function = SimpleNamespace(name="f", timeout=60)
    return index.handler(json.dumps(event).encode(), SimpleNamespace(function=function, request_id="r"))


def floor(url: str) -> None:
    import http.client
    import ssl

    from aliyunsdkcore.auth.composer import rpc_signature_composer
    from pydantic import BaseModel

    class Request(BaseModel):
        ProductKey: str
        ModuleName: str

    ssl.create_default_context()
    request = Request.model_validate_json(REQUEST)
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    common = {"Version": "2018-01-20", "Action": "CreateOTAModule", "RegionId": "cn-shanghai", **request.model_dump()}
    target, _ = rpc_signature_composer.get_signed_url(common, "testid", "testsecret", "JSON", "POST", {})
    connection.request("POST", target)
    assert json.loads(connection.getresponse().read())["Success"]
    connection.request("POST", "/topics/results/messages", "<Message/>")
    assert connection.getresponse().read()


def sdks(url: str) -> None:
    import ssl

    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.request import CommonRequest
    from mns.account import Account
    from mns.topic import Base64TopicMessage
    from pydantic import BaseModel

    class Request(BaseModel):
        ProductKey: str
        ModuleName: str

    ssl.create_default_context()
    wanted = Request.model_validate_json(REQUEST)
    request = CommonRequest(domain=url[7:], version="2018-01-20", action_name="CreateOTAModule")
    request.set_protocol_type("http")
    request.set_method("POST")
    for name, value in wanted.model_dump().items():
        request.add_query_param(name, value)
    AcsClient("testid", "testsecret", "cn-shanghai").do_action_with_exception(request)
    Account(url, "testid", "testsecret").get_topic("results").publish_message(Base64TopicMessage("{}", "created"))


if __name__ == "__main__":
    {"ours": ours, "http": http, "floor": floor, "sdks": sdks}[sys.argv[1]](sys.argv[2])
    os._exit(0)
