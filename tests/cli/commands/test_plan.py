"""`ota-modules plan`."""

import json
from pathlib import Path
from typing import Any

import pytest

MANIFEST = """\
- {ProductKey: a1Known0001, ModuleName: lidar}
- {ProductKey: a1Known0001, ModuleName: MCU, AliasName: Main_MCU_2}
- {ProductKey: a1Known0001, ModuleName: modem, AliasName: 调制解调器}
- {ProductKey: a1Known0001, ModuleName: barcodeScanner, AliasName: New_alias, OnExisting: update}
- {ProductKey: a1Full00010, ModuleName: eleventh}
- {ProductKey: a1Nowhere01, ModuleName: mcu}
- {ProductKey: a1Inst00001, ModuleName: mcu, IotInstanceId: iot-060a0test}
"""


@pytest.fixture
def manifest(write: Any) -> str:
    return str(write("plan.yml", MANIFEST))


def test_each_request_is_shown_with_what_would_become_of_it(cloud: Any, ota_modules: Any, manifest: str) -> None:
    """Field by field where it differs; exit status 3, for some would not succeed, and the error as the last line."""
    ended = ota_modules("plan", manifest, "--json", "--qps", "9")
    found = {one["ModuleName"] + one["ProductKey"][2:]: one for one in map(json.loads, ended.out.splitlines()[:-1])}
    assert {name: one["Action"] for name, one in found.items()} == {
        "lidarKnown0001": "create",
        "MCUKnown0001": "differs",
        "modemKnown0001": "none",
        "barcodeScannerKnown0001": "update",
        "eleventhFull00010": "limit",
        "mcuNowhere01": "unknown",
        "mcuInst00001": "create",
    }
    assert found["MCUKnown0001"]["Drift"] == {
        "ModuleName": {"Wanted": "MCU", "Found": "mcu"},
        "AliasName": {"Wanted": "Main_MCU_2", "Found": "Main_MCU"},
    }
    assert (ended.status, json.loads(ended.out.splitlines()[-1])["ExitStatus"]) == (3, 3)


def test_a_product_that_does_not_exist_is_one_row_with_the_nearest_one(
    cloud: Any, ota_modules: Any, write: Any
) -> None:
    """Among those of the manifest."""
    path = write("two.yml", "products: [a1Known0001, a1Knwon0001]\nmodules: [lidar, radar]\n")
    [row] = [line for line in ota_modules("plan", path, "--qps", "9").out.splitlines() if "a1Knwon0001" in line]
    assert "2 requests: does not exist in this account or instance, iot.prod.NotExistedProduct" in row
    assert "(did you mean a1Known0001?)" in row


def test_a_plan_changes_nothing(cloud: Any, ota_modules: Any, manifest: str) -> None:
    """It only lists, a call for each product; what cannot be is an error whatever the exit code means."""
    assert ota_modules("plan", manifest, "--exit-code", "--qps", "9").status == 3
    assert [call.operation for call in cloud.platform.calls] == ["ListOTAModuleByProduct"] * 4


@pytest.mark.parametrize(
    ("row", "status"),
    [("{ProductKey: a1Demo00001, ModuleName: mcu}", 2), ("{ProductKey: a1Known0001, ModuleName: mcu}", 0)],
)
def test_the_exit_code_says_whether_there_is_something_to_do(
    cloud: Any, ota_modules: Any, write: Any, row: str, status: int
) -> None:
    """As terraform plan does."""
    path = write("one.yml", f"- {row}\n")
    assert ota_modules("plan", path, "--exit-code").status == status
    assert ota_modules("plan", path).status == 0


@pytest.mark.parametrize("row", ["{ProductKey: a1Demo00001, ModuleName: a b}", "["])
def test_a_manifest_that_is_wrong_is_not_taken_for_something_to_do(
    cloud: Any, ota_modules: Any, write: Any, row: str
) -> None:
    """A script that goes on at 2 must not go on."""
    path = write("wrong.yml", f"- {row}\n")
    assert ota_modules("plan", path, "--exit-code").status == 1
    assert ota_modules("plan", "nothing.yml", "--exit-code").status == 1
    assert ota_modules("plan", path).status == 2


def test_room_is_counted_with_what_the_manifest_creates_itself(cloud: Any, ota_modules: Any, write: Any) -> None:
    """a1Known0001 holds three: seven more fit, the eighth does not."""
    rows = "".join(f"a1Known0001,extra{number}\n" for number in range(8))
    path = write("eight.csv", f"ProductKey,ModuleName\n{rows}")
    ended = ota_modules("plan", path, "--json")
    assert [json.loads(line)["Action"] for line in ended.out.splitlines()[:-1]] == ["create"] * 7 + ["limit"]


def test_the_quota_is_kept(cloud: Any, ota_modules: Any, write: Any) -> None:
    """No two calls are nearer than the rate allows."""
    path = write(
        "five.yml", "products: [a1Demo00001, a1Demo00002, a1Demo00003, a1Demo00004, a1Demo00005]\nmodules: [m]\n"
    )
    assert ota_modules("plan", path, "--qps", "8").status == 0
    moments = [call.moment for call in cloud.platform.calls]
    assert moments[-1] - moments[0] >= 0.9 * 4 / 8


def test_a_cloud_that_is_not_there_is_said_so(ota_modules: Any, manifest: str) -> None:
    """Exit status 1, and which address it was."""
    ended = ota_modules("plan", manifest, "--local", OTA_IOT_ENDPOINT="http://127.0.0.1:1")
    assert ended.status == 1
    assert "cannot be read" in ended.err
    assert "is `ota-modules run`" in ended.err


def test_a_plan_without_changes_names_no_next_step(cloud: Any, ota_modules: Any, write: Any, tmp_path: Path) -> None:
    """`apply` refuses a manifest without any request."""
    nothing = write("nothing.yml", "[{ProductKey: a1Nowhere, ModuleName: mcu}]")
    ended = ota_modules("plan", nothing, "--out", str(tmp_path / "plan.jsonl"))
    assert "wrote 0 requests" in ended.err
    assert "there is nothing to apply" in ended.err
