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
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "plan.yml"
    path.write_text(MANIFEST, encoding="utf-8")
    return str(path)


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


def test_a_plan_changes_nothing(cloud: Any, ota_modules: Any, manifest: str) -> None:
    """It only lists, a call for each product."""
    ota_modules("plan", manifest, "--qps", "9")
    assert [call.operation for call in cloud.platform.calls] == ["ListOTAModuleByProduct"] * 4


@pytest.mark.parametrize(
    ("row", "status"),
    [("{ProductKey: a1Demo00001, ModuleName: mcu}", 2), ("{ProductKey: a1Known0001, ModuleName: mcu}", 0)],
)
def test_the_exit_code_says_whether_there_is_something_to_do(
    cloud: Any, ota_modules: Any, tmp_path: Path, row: str, status: int
) -> None:
    """As terraform plan does."""
    path = tmp_path / "one.yml"
    path.write_text(f"- {row}\n", encoding="utf-8")
    assert ota_modules("plan", str(path), "--exit-code").status == status
    assert ota_modules("plan", str(path)).status == 0


@pytest.mark.parametrize("row", ["{ProductKey: a1Demo00001, ModuleName: a b}", "["])
def test_a_manifest_that_is_wrong_is_not_taken_for_something_to_do(
    cloud: Any, ota_modules: Any, tmp_path: Path, row: str
) -> None:
    """A script that goes on at 2 must not go on."""
    path = tmp_path / "wrong.yml"
    path.write_text(f"- {row}\n", encoding="utf-8")
    assert ota_modules("plan", str(path), "--exit-code").status == 1
    assert ota_modules("plan", "nothing.yml", "--exit-code").status == 1
    assert ota_modules("plan", str(path)).status == 2


def test_the_faults_of_a_manifest_are_json_too(cloud: Any, ota_modules: Any, tmp_path: Path) -> None:
    """One a line, as send has them."""
    path = tmp_path / "wrong.yml"
    path.write_text("- {ProductKey: a1Demo00001, ModuleName: a b}\n", encoding="utf-8")
    fault, error = map(json.loads, ota_modules("plan", str(path), "--json").out.splitlines())
    assert (fault["Field"], error["ExitStatus"]) == ("ModuleName", 2)


def test_what_cannot_be_is_an_error_whatever_the_exit_code_means(cloud: Any, ota_modules: Any, manifest: str) -> None:
    """Neither "no changes" nor "changes"."""
    assert ota_modules("plan", manifest, "--exit-code", "--qps", "9").status == 3


def test_room_is_counted_with_what_the_manifest_creates_itself(cloud: Any, ota_modules: Any, tmp_path: Path) -> None:
    """a1Known0001 holds three: seven more fit, the eighth does not."""
    path = tmp_path / "eight.csv"
    rows = "".join(f"a1Known0001,extra{number}\n" for number in range(8))
    path.write_text(f"ProductKey,ModuleName\n{rows}", encoding="utf-8")
    ended = ota_modules("plan", str(path), "--json")
    assert [json.loads(line)["Action"] for line in ended.out.splitlines()[:-1]] == ["create"] * 7 + ["limit"]


def test_the_quota_is_kept(cloud: Any, ota_modules: Any, tmp_path: Path) -> None:
    """No two calls are nearer than the rate allows."""
    path = tmp_path / "five.jsonl"
    path.write_text(
        "".join(f'{{"ProductKey": "a1Demo0000{n}", "ModuleName": "mcu"}}\n' for n in range(1, 6)), encoding="utf-8"
    )
    assert ota_modules("plan", str(path), "--qps", "8").status == 0
    moments = [call.moment for call in cloud.platform.calls]
    assert moments[-1] - moments[0] >= 0.9 * 4 / 8


def test_a_cloud_that_is_not_there_is_said_so(ota_modules: Any, manifest: str) -> None:
    """Exit status 1, and which address it was."""
    ended = ota_modules("plan", manifest, "--local", OTA_IOT_ENDPOINT="http://127.0.0.1:1")
    assert ended.status == 1
    assert "cannot be read" in ended.err
    assert "is `ota-modules run`" in ended.err
