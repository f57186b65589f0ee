"""The IoT Platform for its callers: the official SDKs, the quota, the answers and the records of calls."""

from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from emulator.clock import Clock
from emulator.iot.answers import ListShape
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts
from handler.credentials import Credentials
from tests.conformance.platform import Platform
from tests.emulator.iot.sample import SAMPLE, Send

# alibabacloud-tea-openapi reads the clock in a way that Python 3.12 deprecates, and takes the warning for a lost call.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
OWNER = Credentials("testid", "testsecret")
PRODUCT = SAMPLE["ProductKey"]


def older_sdk(url: str, keys: Credentials) -> Platform:
    return Platform("cn-shanghai", url, "", keys, PRODUCT, sleep=lambda _seconds: None)


class NewerSdk:
    """A client of the newer SDK, whose import takes long."""

    def __init__(self, url: str, keys: Credentials) -> None:
        from alibabacloud_iot20180120 import client, models
        from alibabacloud_tea_openapi.models import Config

        self._client = client.Client(Config(*keys, endpoint=url.removeprefix("http://"), protocol="http"))
        self._models = models

    def create(self, key: str = PRODUCT) -> Any:
        request = self._models.CreateOTAModuleRequest(product_key=key, module_name="mcu")
        return self._client.create_otamodule(request).body

    def names(self) -> list[str]:
        request = self._models.ListOTAModuleByProductRequest(product_key=PRODUCT)
        return [module.module_name for module in self._client.list_otamodule_by_product(request).body.data]


def test_both_official_sdks_see_what_either_created(platform_url: str, accounts: Accounts) -> None:
    """With the account's key, and with a temporary one."""
    key = accounts.issue("ota-modules")
    assert older_sdk(platform_url, OWNER).call("CreateOTAModule", **SAMPLE).ok
    assert NewerSdk(platform_url, OWNER).create().success is True
    for keys in (OWNER, Credentials(key.id, key.secret, key.token)):
        modules = older_sdk(platform_url, keys).modules()
        assert [module["modulename"] for module in modules] == ["barcodeScanner", "mcu"]
        assert NewerSdk(platform_url, keys).names() == ["barcodeScanner", "mcu"]


def test_both_official_sdks_read_a_refused_signature(platform_url: str) -> None:
    """The older one splits the message at its colon, and fails without one."""
    wrong = Credentials("testid", "wrong")
    assert older_sdk(platform_url, wrong).call("CreateOTAModule", **SAMPLE).code == "SignatureDoesNotMatch"
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        NewerSdk(platform_url, wrong).names()


def test_a_business_failure_is_no_exception_to_the_sdks(platform_url: str) -> None:
    answer = older_sdk(platform_url, OWNER).call("CreateOTAModule", ProductKey="a1Nowhere01", ModuleName="mcu")
    assert (answer.status, answer.body["success"], answer.code) == (200, False, "iot.prod.NotExistedProduct")
    assert NewerSdk(platform_url, OWNER).create("a1Nowhere01").code == "iot.prod.NotExistedProduct"


def throttled(response: httpx.Response) -> bool:
    return response.status_code == 400 and response.json()["Code"] == "Throttling.User"


def test_an_operation_has_its_own_limit(call: Send) -> None:
    for operation, limit in (("CreateOTAModule", 10), ("QueryProduct", 50)):
        calls = [call(operation, ProductKey="a1Known0001", ModuleName="mcu") for _ in range(limit + 1)]
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


def test_a_role_may_do_what_its_policy_permits(call: Send, accounts: Accounts) -> None:
    accounts.attach("reader", lambda *asked: asked == ("iot:ListOTAModuleByProduct", "*"))
    key = accounts.issue("reader")
    assert call("ListOTAModuleByProduct", key=key, ProductKey="a1Known0001").json()["Success"] is True
    refused = call("CreateOTAModule", key=key, **SAMPLE).json()
    assert refused["Code"] in ("Forbidden", "Forbidden.RAM", "iot.common.RamActionPermissionDeny")


def test_a_list_has_the_shape_that_is_set(call: Send, platform: IotPlatform) -> None:
    """`object` applies to one module, `null` to none. No page says whether `default` is listed."""
    shapes: tuple[tuple[ListShape, str, type], ...] = (
        ("array", "a1Full00010", list),
        ("object", "a1Full00010", list),
        ("wrapped", "a1Full00010", dict),
        ("null", "a1Full00010", list),
        ("array", "a1Fleet0001", list),
        ("null", "a1Fleet0001", type(None)),
    )
    for shape, key, data in shapes:
        platform.quirks.list_shape = shape
        assert isinstance(call("ListOTAModuleByProduct", ProductKey=key).json()["Data"], data)
    platform.quirks.lists_default, platform.quirks.list_shape = True, "object"
    assert call("ListOTAModuleByProduct", ProductKey="a1Fleet0001").json()["Data"]["ModuleName"] == "default"


def test_open_answers_are_drawn_by_the_seed(call: Send, platform: IotPlatform, accounts: Accounts) -> None:
    platform.quirks.list_shape, platform.limit = None, 100
    shapes = {type(call("ListOTAModuleByProduct", ProductKey="a1Fleet0001").json()["Data"]) for _ in range(50)}
    assert shapes == {list, dict, type(None)}
    first, second = (
        [
            call("CreateOTAModule", platform=seeded, ProductKey="a1Known0001", ModuleName="mcu").json()["Code"]
            for _ in range(9)
        ]
        for seeded in (IotPlatform(accounts, seed=7), IotPlatform(accounts, seed=7))
    )
    assert (first, len(set(first)) > 1) == (second, True)


def test_the_answer_is_xml_unless_json_is_asked_for(call: Send) -> None:
    """Items of a list are repeated elements; what XML cannot carry is replaced."""
    response = call("CreateOTAModule", **{**SAMPLE, "Desc": "<&>\x00\ud7ff"}, Format="")
    root = ElementTree.fromstring(response.text)
    assert (root.tag, root.findtext("Success")) == ("CreateOTAModuleResponse", "true")
    assert root.findtext("RequestId") == response.headers["x-acs-request-id"]
    assert (
        "<Desc>&lt;&amp;&gt;\ufffd\ud7ff</Desc>" in call("ListOTAModuleByProduct", ProductKey=PRODUCT, Format="").text
    )
    root = ElementTree.fromstring(call("ListOTAModuleByProduct", ProductKey="a1Known0001", Format="XML").text)
    assert [data.findtext("AliasName") for data in root.findall("Data")] == ["Old_alias", "Main_MCU", "调制解调器"]
    root = ElementTree.fromstring(call("DropOTAModule", Format="XML").text)
    assert root.tag == "Error"
    assert [field.tag for field in root] == ["Code", "Message", "RequestId", "HostId", "Recommend"]


def test_calls_are_recorded_without_secrets_and_unsigned_ones_cost_nothing(
    call: Send, platform: IotPlatform, accounts: Accounts
) -> None:
    key = accounts.issue("ota-modules")
    response = call("CreateOTAModule", key=key, **SAMPLE)
    call("CreateOTAModule", changes={"Signature": "wrong"}, **SAMPLE)
    good, refused = platform.calls
    assert platform.rates() == {"CreateOTAModule": 1}
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
