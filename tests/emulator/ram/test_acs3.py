"""The cloud's own vectors of signatures."""

from urllib.parse import parse_qsl

import pytest

from emulator.iot import signature
from emulator.ram import acs3

PUB = dict(
    parse_qsl(
        "AccessKeyId=testid&Action=Pub&Format=XML&MessageContent=aGVsbG93b3JsZA=&ProductKey=12345abcdeZ&Qos=0&RegionId=cn-shanghai"
        "&ServiceCode=iot&SignatureMethod=HMAC-SHA1&SignatureNonce=0715a395-aedf-4a41-bab7-746b43d38d88&SignatureVersion=1.0"
        "&Timestamp=2017-10-02T09:39:41Z&TopicFullName=/productKey/testdevice/get&Version=2017-04-20"
    )
)
DESCRIBE_REGIONS = dict(
    parse_qsl(
        "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0"
        "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Timestamp=2016-02-23T12:46:24Z&Version=2014-05-26"
    )
)
CREATE = {
    **DESCRIBE_REGIONS,
    "Action": "CreateOTAModule",
    "AliasName": "条码扫描仪",
    "Desc": "a b*~+/",
    "Format": "JSON",
    "ModuleName": "barcodeScanner",
    "ProductKey": "a1Le6d0abcd",
    "RegionId": "cn-shanghai",
    "Version": "2018-01-20",
}
RUN_INSTANCES_HEADERS = {
    "host": "ecs.cn-shanghai.aliyuncs.com",
    "x-acs-action": "RunInstances",
    "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    "x-acs-version": "2014-05-26",
}


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        pytest.param("GET", PUB, "Y9eWn4nF8QPh3c4zAFkM/k/u7eA=", id="IoT, official"),
        pytest.param("POST", PUB, "efr3PwqG3ANN5Vs4hsRnEZh2K2Q=", id="IoT as POST"),
        pytest.param("GET", DESCRIBE_REGIONS, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=", id="ECS, official"),
        pytest.param("POST", CREATE, "4U+jJZKnq/afaY6YQN14bOt0+Q0=", id="Chinese letters and reserved characters"),
    ],
)
def test_parameters_sign_as_the_documentation_computes(method: str, parameters: dict[str, str], expected: str) -> None:
    """HMAC-SHA1 over method and sorted parameters gives the published signatures."""
    assert signature.sign("testsecret", signature.string_to_sign(method, parameters)) == expected


def test_headers_sign_as_the_documentation_computes() -> None:
    """ACS3-HMAC-SHA256 over the canonical request gives the published hash and signature."""
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    canonical = acs3.canonical_request("POST", "/", query, RUN_INSTANCES_HEADERS, sorted(RUN_INSTANCES_HEADERS))
    text = acs3.string_to_sign(canonical)
    assert text == "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    expected = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert acs3.sign("YourAccessKeySecret", text) == expected
