"""The IoT Platform for its callers: the official SDKs, the quota, the answers and the records of calls."""

import json
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from emulator.clock import Clock
from emulator.iot.answers import ListShape
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts
from tests.emulator.iot.sample import SAMPLE, Send

# alibabacloud-tea-openapi reads the clock in a way that Python 3.12 deprecates, and takes the warning for a lost call.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def acs(url: str, operation: str, client: AcsClient | None = None, **parameters: str) -> Any:
    """A call by the older SDK; a list is a GET, as its generated requests send it."""
    client = client or AcsClient("testid", "testsecret", "cn-shanghai")
    request = CommonRequest(domain=url.removeprefix("http://"), version="2018-01-20", action_name=operation)
    request.set_protocol_type("http")
    request.set_method("GET" if operation.startswith(("List", "Query")) else "POST")
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return json.loads(client.do_action_with_exception(request))


def tea(url: str, token: str = "", key_id: str = "testid", secret: str = "testsecret") -> Any:
    """A client of the newer SDK."""
    from alibabacloud_iot20180120.client import Client
    from alibabacloud_tea_openapi.models import Config

    keys = {"access_key_id": key_id, "access_key_secret": secret, "security_token": token or None}
    return Client(Config(**keys, endpoint=url.removeprefix("http://"), protocol="http"))


def tea_create(client: Any, **parameters: str) -> Any:
    from alibabacloud_iot20180120 import models

    return client.create_otamodule(models.CreateOTAModuleRequest().from_map(parameters)).body


def tea_names(client: Any, key: str) -> list[str]:
    from alibabacloud_iot20180120 import models

    body = client.list_otamodule_by_product(models.ListOTAModuleByProductRequest(product_key=key)).body
    return [module.module_name for module in body.data]


def test_both_official_sdks_see_what_either_created(platform_url: str) -> None:
    assert acs(platform_url, "CreateOTAModule", **SAMPLE)["Success"] is True
    assert tea_create(tea(platform_url), ProductKey="a1Le6d0****", ModuleName="mcu").success is True
    seen = acs(platform_url, "ListOTAModuleByProduct", ProductKey="a1Le6d0****")["Data"]
    assert [module["ModuleName"] for module in seen] == ["barcodeScanner", "mcu"]
    assert tea_names(tea(platform_url), "a1Le6d0****") == ["barcodeScanner", "mcu"]


def test_both_official_sdks_work_with_temporary_keys(platform_url: str, accounts: Accounts) -> None:
    key = accounts.issue("ota-modules")
    client = AcsClient(region_id="cn-shanghai", credential=StsTokenCredential(key.id, key.secret, key.token))
    assert acs(platform_url, "CreateOTAModule", client, **SAMPLE)["Success"] is True
    assert tea_names(tea(platform_url, key.token, key.id, key.secret), "a1Le6d0****") == ["barcodeScanner"]


def test_both_official_sdks_read_a_refused_signature(platform_url: str) -> None:
    """The older one splits the message at its colon, and fails without one."""
    with pytest.raises(ServerException) as refused:
        acs(platform_url, "CreateOTAModule", AcsClient("testid", "wrong", "cn-shanghai"), **SAMPLE)
    assert refused.value.get_error_code() == "SignatureDoesNotMatch"
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        tea_names(tea(platform_url, secret="wrong"), "a1Le6d0****")


def test_a_business_failure_is_no_exception_to_the_sdks(platform_url: str) -> None:
    unknown = {"ProductKey": "a1Nowhere01", "ModuleName": "mcu"}
    assert acs(platform_url, "CreateOTAModule", **unknown)["Success"] is False
    assert tea_create(tea(platform_url), **unknown).code == "iot.prod.NotExistedProduct"


def throttled(response: httpx.Response) -> bool:
    return response.status_code == 400 and response.json()["Code"] == "Throttling.User"


@pytest.mark.parametrize(
    ("operation", "parameters", "limit"),
    [
        ("CreateOTAModule", {"ProductKey": "a1Known0001", "ModuleName": "mcu"}, 10),
        ("QueryProduct", {"ProductKey": "a1Known0001"}, 50),
    ],
)
def test_an_operation_has_its_own_limit(call: Send, operation: str, parameters: dict[str, str], limit: int) -> None:
    calls = [call(operation, **parameters) for _ in range(limit + 1)]
    assert [throttled(response) for response in calls] == [False] * limit + [True]


def test_a_second_later_calls_pass_again(call: Send, steady: SimpleNamespace, platform: IotPlatform) -> None:
    platform.consume("CreateOTAModule", 10)
    steady.now += 0.999
    assert throttled(call("CreateOTAModule", **SAMPLE))
    assert len(platform.products.find("a1Le6d0****", None).modules) == 1
    assert (platform.throttles, platform.rates()) == ({"CreateOTAModule": 1}, {"CreateOTAModule": 11})
    steady.now += 0.002
    assert not throttled(call("CreateOTAModule", **SAMPLE))


def test_a_throttled_answer_may_say_when_to_come_back(call: Send, platform: IotPlatform) -> None:
    """Some answers do, in milliseconds."""
    platform.consume("CreateOTAModule", 30)
    headers = {call("CreateOTAModule", **SAMPLE).headers.get("x-acs-retry-after") for _ in range(8)}
    assert headers == {None, "1000"}


def test_an_unsigned_call_costs_nothing(call: Send, platform: IotPlatform) -> None:
    call("CreateOTAModule", changes={"Signature": "wrong"}, **SAMPLE)
    assert platform.rates() == {}


def test_a_role_may_do_what_its_policy_permits(call: Send, platform: IotPlatform, accounts: Accounts) -> None:
    asked: list[tuple[str, str]] = []

    def permits(action: str, resource: str) -> bool:
        asked.append((action, resource))
        return "List" in action

    accounts.attach("reader", permits)
    key = accounts.issue("reader")
    assert call("ListOTAModuleByProduct", key=key, ProductKey="a1Known0001").json()["Success"] is True
    refused = call("CreateOTAModule", key=key, **SAMPLE).json()
    assert refused["Code"] in ("Forbidden", "Forbidden.RAM", "iot.common.RamActionPermissionDeny")
    assert asked == [("iot:ListOTAModuleByProduct", "*"), ("iot:CreateOTAModule", "*")]


@pytest.mark.parametrize(
    ("shape", "key", "data"),
    [
        ("array", "a1Full00010", list),
        ("object", "a1Full00010", list),
        ("wrapped", "a1Full00010", dict),
        ("null", "a1Full00010", list),
        ("array", "a1Fleet0001", list),
        ("null", "a1Fleet0001", type(None)),
    ],
)
def test_a_list_has_the_shape_that_is_set(
    call: Send, platform: IotPlatform, shape: ListShape, key: str, data: type
) -> None:
    """`object` applies to one module, `null` to none."""
    platform.quirks.list_shape = shape
    assert isinstance(call("ListOTAModuleByProduct", ProductKey=key).json()["Data"], data)


def test_shapes_and_quirks_are_drawn_by_the_seed(call: Send, platform: IotPlatform, accounts: Accounts) -> None:
    platform.quirks.list_shape, platform.limit = None, 100
    shapes = {type(call("ListOTAModuleByProduct", ProductKey="a1Fleet0001").json()["Data"]) for _ in range(50)}
    assert shapes == {list, dict, type(None)}
    first, second = (vars(IotPlatform(accounts, seed=7).quirks) for _ in range(2))
    assert {**first, "_random": None} == {**second, "_random": None}


def test_a_list_may_show_default_and_one_module_may_come_as_an_object(call: Send, platform: IotPlatform) -> None:
    """No page says whether `default` is listed; the sample of the documentation shows an object."""
    platform.quirks.lists_default, platform.quirks.list_shape = True, "object"
    module = call("ListOTAModuleByProduct", ProductKey="a1Fleet0001").json()["Data"]
    assert module["ModuleName"] == "default"


def test_the_answer_is_xml_unless_json_is_asked_for(call: Send) -> None:
    response = call("CreateOTAModule", **SAMPLE, Format="")
    root = ElementTree.fromstring(response.text)
    assert response.headers["content-type"] == "text/xml;charset=utf-8"
    assert (root.tag, root.findtext("Success")) == ("CreateOTAModuleResponse", "true")
    assert root.findtext("RequestId") == response.headers["x-acs-request-id"]
    root = ElementTree.fromstring(call("ListOTAModuleByProduct", ProductKey="a1Known0001", Format="XML").text)
    assert [data.findtext("AliasName") for data in root.findall("Data")] == ["Old_alias", "Main_MCU", "调制解调器"]
    root = ElementTree.fromstring(call("DropOTAModule", Format="XML").text)
    assert (root.tag, [field.tag for field in root]) == (
        "Error",
        ["Code", "Message", "RequestId", "HostId", "Recommend"],
    )


def test_calls_are_recorded_without_secrets(call: Send, platform: IotPlatform, accounts: Accounts) -> None:
    key = accounts.issue("ota-modules")
    response = call("CreateOTAModule", key=key, **SAMPLE)
    call("CreateOTAModule", changes={"Signature": "wrong"}, **SAMPLE)
    good, refused = platform.calls
    assert (good.operation, good.account, good.moment) == ("CreateOTAModule", "1234567890123456", 100.0)
    assert (good.http_status, good.code, good.success) == (200, "", True)
    assert good.request_id == response.json()["RequestId"]
    assert SAMPLE.items() <= good.parameters.items()
    assert not {"Signature", "SecurityToken"} & good.parameters.keys()
    assert not any(secret in repr(good) for secret in (key.token, key.secret))
    assert (refused.account, refused.code, refused.success) == (None, "SignatureDoesNotMatch", False)


def test_latency_is_spent_on_both_sides_of_the_effect(call: Send, accounts: Accounts) -> None:
    """A caller that stops waiting cannot know whether there was an effect."""
    seen: list[tuple[float, int]] = []

    async def sleep(seconds: float) -> None:
        seen.append((seconds, len(platform.products.find("a1Le6d0****", None).modules)))

    platform = IotPlatform(accounts, clock=Clock(sleep=sleep))
    platform.latency = 0.3
    call("CreateOTAModule", platform=platform, **SAMPLE)
    assert seen == [(0.15, 1), (0.15, 2)]
