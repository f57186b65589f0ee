"""The effects and answers of the operations."""

import re
import time
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest

from emulator.iot.answers import Answers
from emulator.iot.products import Rule
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts
from tests.emulator.iot.sample import SAMPLE, Send


def listed(call: Send, key: str, **parameters: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = call("ListOTAModuleByProduct", ProductKey=key, **parameters).json()["Data"]
    return data


def failed(response: httpx.Response) -> str:
    """Return the code of a call that failed, in either of the two forms."""
    content = response.json()
    assert response.status_code >= 400 or content["Success"] is False
    assert content["ErrorMessage" if response.status_code == 200 else "Message"]
    return str(content["Code"])


def test_the_documentations_sample_is_created_and_listed(call: Send, steady: SimpleNamespace) -> None:
    moment = time.time()
    steady.wall = lambda: moment
    response = call("CreateOTAModule", **SAMPLE)
    assert response.status_code == 200
    assert response.json() == {"RequestId": response.headers["x-acs-request-id"], "Success": True}
    assert re.fullmatch("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", response.json()["RequestId"])
    minute = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(moment))
    assert listed(call, "a1Le6d0****") == [{**SAMPLE, "GmtCreate": minute, "GmtModified": minute}]


def test_a_call_that_breaks_a_rule_has_its_code_and_no_effect(call: Send, accounts: Accounts) -> None:
    """A taken name comes before a full product; `default` does not count among the ten modules."""
    platform = IotPlatform(accounts, limit=100, answers=Answers(codes={rule: rule for rule in get_args(Rule)}))
    before = [*platform.products]
    for operation, key, name, instance, rule in (
        ("CreateOTAModule", "a1Known0001", "barcodeScanner", "", "NameTaken"),
        ("CreateOTAModule", "a1Known0001", "BARCODESCANNER", "", "NameTaken"),
        ("CreateOTAModule", "a1Known0001", "Default", "", "NameTaken"),
        ("CreateOTAModule", "a1Full00010", "mcu", "", "NameTaken"),
        ("CreateOTAModule", "a1Full00010", "eleventh", "", "LimitReached"),
        ("CreateOTAModule", "a1Nowhere01", "mcu", "", "UnknownProduct"),
        ("CreateOTAModule", "a1Nowhere01", "mcu", "iot-060a0test", "UnknownProduct"),
        ("CreateOTAModule", "a1Fleet0001", "mcu", "iot-060a0test", "UnknownProduct"),
        ("CreateOTAModule", "a1Inst00001", "mcu", "", "InstanceNeeded"),
        ("CreateOTAModule", "a1Inst00001", "mcu", "iot-elsewhere", "UnknownInstance"),
        ("DeleteOTAModule", "a1Known0001", "default", "", "BuiltIn"),
        ("DeleteOTAModule", "a1Known0001", "modem", "", "InUse"),
        ("DeleteOTAModule", "a1Known0001", "nowhere", "", "UnknownModule"),
    ):
        response = call(operation, platform=platform, ProductKey=key, ModuleName=name, IotInstanceId=instance)
        assert (response.status_code, failed(response)) == (200, rule)
    assert [*platform.products] == before


def test_a_product_in_an_instance_is_found_by_its_id(call: Send) -> None:
    instance = {"IotInstanceId": "iot-060a0test"}
    assert call("CreateOTAModule", ProductKey="a1Inst00001", ModuleName="mcu", **instance).json()["Success"]
    assert [module["ModuleName"] for module in listed(call, "a1Inst00001", **instance)] == ["mcu"]


GOOD = {"ProductKey": "a1Fleet0001", "ModuleName": "mcu"}
WRONG = {
    "ProductKey": ("", "a1 Fleet", "k" * 65),
    "ModuleName": ("", "m" * 65, "bar code", "mcu\n", "模块"),
    "AliasName": ("", "a" * 65, "my alias", "é"),
    "Desc": ("d" * 101,),
}
RIGHT = {
    "ModuleName": ("A-z.0_9", "m" * 64),
    "AliasName": ("条码_扫描-仪.v2", "仪" * 64),
    "Desc": ("描" * 100, "any <&> 'text'\n\"at\" all +%/🙂"),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in WRONG for text in WRONG[name]])
def test_a_parameter_that_breaks_its_rule_is_refused(call: Send, name: str, text: str) -> None:
    assert failed(call("CreateOTAModule", **{**GOOD, name: text}))
    assert listed(call, "a1Fleet0001") == []


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in RIGHT for text in RIGHT[name]])
def test_a_parameter_within_its_rule_comes_back_as_sent(call: Send, name: str, text: str) -> None:
    """Characters are counted, not bytes."""
    wanted = {**GOOD, name: text}
    assert call("CreateOTAModule", **wanted).json()["Success"] is True
    [module] = listed(call, "a1Fleet0001")
    assert wanted.items() <= module.items()


def test_update_changes_alias_and_description(call: Send) -> None:
    known = {"ProductKey": "a1Known0001", "ModuleName": "BarcodeSCANNER", "AliasName": "New_alias", "Desc": "New."}
    assert call("UpdateOTAModule", **known).json()["Success"] is True
    module = listed(call, "a1Known0001")[0]
    assert (module["ModuleName"], module["AliasName"], module["Desc"]) == ("barcodeScanner", "New_alias", "New.")


def test_update_clears_or_keeps_what_a_call_leaves_out(call: Send, platform: IotPlatform) -> None:
    """No page says which; a platform always does the same."""
    platform.quirks.null_absent = False
    for clears, desc in ((False, "Old description."), (True, "")):
        platform.quirks.update_clears = clears
        call("UpdateOTAModule", ProductKey="a1Known0001", ModuleName="barcodeScanner", AliasName="New")
        assert listed(call, "a1Known0001")[0]["Desc"] == desc


def test_delete_removes_a_module_and_makes_room(call: Send) -> None:
    assert call("DeleteOTAModule", ProductKey="a1Full00010", ModuleName="MCU").json()["Success"] is True
    assert call("CreateOTAModule", ProductKey="a1Full00010", ModuleName="eleventh").json()["Success"] is True
    names = [module["ModuleName"] for module in listed(call, "a1Full00010")]
    assert (len(names), names[-1], "mcu" in names) == (10, "eleventh", False)


def test_query_product_tells_of_one(call: Send) -> None:
    data = call("QueryProduct", ProductKey="a1Known0001").json()["Data"]
    assert (data["ProductKey"], data["ProductName"], data["NodeType"]) == ("a1Known0001", "Known gate", 0)
    assert data["ProductSecret"]


def test_query_product_list_pages_through_all(call: Send, platform: IotPlatform) -> None:
    count = -(-sum(product.instance is None for product in platform.products) // 20)
    numbers = range(1, count + 2)
    pages = [call("QueryProductList", CurrentPage=str(n), PageSize="20").json()["Data"] for n in numbers]
    keys = [product["ProductKey"] for page in pages for product in page["List"]["ProductInfo"]]
    assert keys == [product.key for product in platform.products if product.instance is None][::-1]
    assert {(page["PageCount"], page["PageSize"], page["Total"]) for page in pages} == {(count, 20, len(keys))}
    assert pages[-1]["List"] == {"ProductInfo": []}


def test_query_product_list_filters(call: Send) -> None:
    for filters, keys in (
        ({"IotInstanceId": "iot-060a0test"}, ["a1Inst00002", "a1Inst00001"]),
        ({"AliyunCommodityCode": "iothub"}, ["a1Basic0001"]),
    ):
        data = call("QueryProductList", **filters, CurrentPage="1", PageSize="200").json()["Data"]
        assert [product["ProductKey"] for product in data["List"]["ProductInfo"]] == keys


def test_a_wrong_page_has_its_code(call: Send) -> None:
    for number, size in (("0", "10"), ("1", "0"), ("1", "201"), ("x", "10"), ("1", "")):
        response = call("QueryProductList", CurrentPage=number, PageSize=size)
        assert failed(response) == "iot.common.InvalidPageParams"


def test_the_seeds_hold_what_samples_and_demonstrations_rely_on(platform: IotPlatform) -> None:
    keys = [product.key for product in platform.products]
    assert len(set(keys)) == len(keys)
    assert {"a1Le6d0****", "a1Le6d0abcd", *(f"a1Fleet000{n}" for n in range(1, 6))} <= set(keys)
    assert sum(key.startswith("a1Demo") for key in keys) >= 24
