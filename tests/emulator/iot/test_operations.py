"""The effects and answers of the operations."""

import re
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from emulator.iot.service import IotPlatform
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


def test_the_documentations_sample_is_created(call: Send) -> None:
    response = call("CreateOTAModule", **SAMPLE)
    assert response.status_code == 200
    assert response.json() == {"RequestId": response.headers["x-acs-request-id"], "Success": True}
    assert re.fullmatch("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", response.json()["RequestId"])


def test_a_created_module_is_listed(call: Send, steady: SimpleNamespace) -> None:
    moment = time.time()
    steady.wall = lambda: moment
    call("CreateOTAModule", **SAMPLE)
    minute = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(moment))
    assert listed(call, "a1Le6d0****") == [{**SAMPLE, "GmtCreate": minute, "GmtModified": minute}]


@pytest.mark.parametrize("name", ["barcodeScanner", "BARCODESCANNER", "default"])
def test_a_name_cannot_be_created_twice(call: Send, name: str) -> None:
    assert failed(call("CreateOTAModule", ProductKey="a1Known0001", ModuleName=name, AliasName="New"))
    assert [module["AliasName"] for module in listed(call, "a1Known0001")] == ["Old_alias", "Main_MCU", "调制解调器"]


def test_codes_that_no_page_names_differ_from_call_to_call(call: Send, platform: IotPlatform) -> None:
    platform.limit = 50
    duplicates = [call("CreateOTAModule", ProductKey="a1Known0001", ModuleName="mcu") for _ in range(20)]
    assert len({failed(response) for response in duplicates}) > 1


def test_an_unknown_product_has_its_code(call: Send) -> None:
    response = call("CreateOTAModule", ProductKey="a1Nowhere01", ModuleName="mcu")
    assert response.status_code == 200
    assert failed(response) == "iot.prod.NotExistedProduct"


def test_a_product_in_an_instance_is_found_by_its_id(call: Send) -> None:
    parameters = {"ProductKey": "a1Inst00001", "ModuleName": "mcu"}
    for wrong in ({}, {"IotInstanceId": "iot-elsewhere"}):
        codes = ("iot.system.InstanceNotFound", "iot.Sre.IotInstanceNotFound")
        assert failed(call("CreateOTAModule", **parameters, **wrong)) in codes
    instance = {"IotInstanceId": "iot-060a0test"}
    assert call("CreateOTAModule", **parameters, **instance).json()["Success"]
    assert [module["ModuleName"] for module in listed(call, "a1Inst00001", **instance)] == ["mcu"]


GOOD = {"ProductKey": "a1Fleet0001", "ModuleName": "mcu"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"ProductKey": ""},
        {"ProductKey": "a1 Fleet"},
        {"ProductKey": "k" * 65},
        {"ModuleName": ""},
        {"ModuleName": "m" * 65},
        {"ModuleName": "bar code"},
        {"ModuleName": "mcu\n"},
        {"ModuleName": "模块"},
        {"AliasName": ""},
        {"AliasName": "a" * 65},
        {"AliasName": "my alias"},
        {"AliasName": "é"},
        {"Desc": "d" * 101},
    ],
)
def test_a_parameter_that_breaks_its_rule_is_refused(call: Send, wrong: dict[str, str]) -> None:
    assert failed(call("CreateOTAModule", **(GOOD | wrong)))
    assert listed(call, "a1Fleet0001") == []


@pytest.mark.parametrize(
    "right",
    [
        {"ModuleName": "A-z.0_9"},
        {"ModuleName": "m" * 64},
        {"AliasName": "条码_扫描-仪.v2"},
        {"AliasName": "仪" * 64},
        {"Desc": "描" * 100},
        {"Desc": "any <&> 'text'\n\"at\" all +%/🙂"},
    ],
)
def test_a_parameter_within_its_rule_comes_back_as_sent(call: Send, right: dict[str, str]) -> None:
    """Characters are counted, not bytes."""
    wanted = {**GOOD, **right}
    assert call("CreateOTAModule", **wanted).json()["Success"] is True
    [module] = listed(call, "a1Fleet0001")
    assert {name: module[name] for name in wanted} == wanted


def test_update_changes_alias_and_description(call: Send) -> None:
    known = {"ProductKey": "a1Known0001", "ModuleName": "BarcodeSCANNER", "AliasName": "New_alias", "Desc": "New."}
    assert call("UpdateOTAModule", **known).json()["Success"] is True
    module = listed(call, "a1Known0001")[0]
    assert (module["ModuleName"], module["AliasName"], module["Desc"]) == ("barcodeScanner", "New_alias", "New.")


@pytest.mark.parametrize(("clears", "desc"), [(True, ""), (False, "Old description.")])
def test_update_clears_or_keeps_what_a_call_leaves_out(
    call: Send, platform: IotPlatform, clears: bool, desc: str
) -> None:
    """No page says which; a platform always does the same."""
    platform.quirks.update_clears, platform.quirks.null_absent = clears, False
    call("UpdateOTAModule", ProductKey="a1Known0001", ModuleName="barcodeScanner", AliasName="New")
    assert listed(call, "a1Known0001")[0]["Desc"] == desc


def test_delete_removes_a_module(call: Send) -> None:
    assert call("DeleteOTAModule", ProductKey="a1Known0001", ModuleName="MCU").json()["Success"] is True
    assert [module["ModuleName"] for module in listed(call, "a1Known0001")] == ["barcodeScanner", "modem"]


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


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"IotInstanceId": "iot-060a0test"}, ["a1Inst00002", "a1Inst00001"]),
        ({"AliyunCommodityCode": "iothub"}, ["a1Basic0001"]),
    ],
)
def test_query_product_list_filters(call: Send, filters: dict[str, str], keys: list[str]) -> None:
    products = call("QueryProductList", **filters, CurrentPage="1", PageSize="200").json()["Data"]["List"][
        "ProductInfo"
    ]
    assert [product["ProductKey"] for product in products] == keys


@pytest.mark.parametrize(("number", "size"), [("0", "10"), ("1", "0"), ("1", "201"), ("x", "10"), ("1", "")])
def test_a_wrong_page_has_its_code(call: Send, number: str, size: str) -> None:
    response = call("QueryProductList", CurrentPage=number, PageSize=size)
    assert failed(response) == "iot.common.InvalidPageParams"


def test_an_unknown_operation_is_not_found(call: Send) -> None:
    response = call("DropOTAModule", ProductKey="a1Known0001")
    assert (response.status_code, response.json()["Code"]) == (404, "InvalidApi.NotFound")
