"""`ota-modules plan`."""

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


def test_each_request_is_shown_with_what_would_become_of_it(cloud: Any, ota_modules: Any, write: Any) -> None:
    """Field by field where it differs; exit status 3, for some would not succeed. Nothing changes: it lists each product once."""
    ended = ota_modules("plan", write("plan.yml", MANIFEST), "--json", "--qps", "9")
    *steps, error = ended.records
    assert [(step["ProductKey"], step["ModuleName"], step["Action"]) for step in steps] == [
        ("a1Known0001", "lidar", "create"),
        ("a1Known0001", "MCU", "differs"),
        ("a1Known0001", "modem", "none"),
        ("a1Known0001", "barcodeScanner", "update"),
        ("a1Full00010", "eleventh", "limit"),
        ("a1Nowhere01", "mcu", "unknown"),
        ("a1Inst00001", "mcu", "create"),
    ]
    assert steps[1]["Drift"] == {
        "ModuleName": {"Wanted": "MCU", "Found": "mcu"},
        "AliasName": {"Wanted": "Main_MCU_2", "Found": "Main_MCU"},
    }
    assert ended.status == error["ExitStatus"] == 3
    assert [call.operation for call in cloud.platform.calls] == ["ListOTAModuleByProduct"] * 4


def test_a_product_that_does_not_exist_is_one_row(cloud: Any, ota_modules: Any, write: Any) -> None:
    """With the nearest one among those of the manifest."""
    path = write("two.yml", "products: [a1Known0001, a1Knwon0001]\nmodules: [lidar, radar]\n")
    [row] = [line for line in ota_modules("plan", path, "--qps", "9").out.splitlines() if "a1Knwon0001" in line]
    assert "2 requests: does not exist in this account or instance, iot.prod.NotExistedProduct" in row
    assert "(did you mean a1Known0001?)" in row


@pytest.mark.parametrize(
    ("row", "asked", "plain"),
    [
        ("{ProductKey: a1Known0001, ModuleName: mcu}", 0, 0),
        ("{ProductKey: a1Demo00001, ModuleName: mcu}", 2, 0),
        ("{ProductKey: a1Full00010, ModuleName: eleventh}", 3, 3),
        # A script that goes on at 2 must not go on where the manifest is wrong.
        ("{ProductKey: a1Demo00001, ModuleName: a b}", 1, 2),
        ("[", 1, 2),
    ],
)
def test_the_exit_code_says_whether_there_is_something_to_do(
    cloud: Any, ota_modules: Any, write: Any, row: str, asked: int, plain: int
) -> None:
    """As terraform plan does, where it is asked for."""
    path = write("one.yml", f"- {row}\n")
    assert (ota_modules("plan", path, "--exit-code").status, ota_modules("plan", path).status) == (asked, plain)
    assert ota_modules("plan", "nothing.yml", "--exit-code").status == 1


def test_room_is_counted_with_what_the_manifest_creates_itself(cloud: Any, ota_modules: Any, write: Any) -> None:
    """a1Known0001 holds three: seven more fit, the eighth does not."""
    rows = "".join(f"a1Known0001,extra{number}\n" for number in range(8))
    *steps, _ = ota_modules("plan", write("eight.csv", f"ProductKey,ModuleName\n{rows}"), "--json").records
    assert [step["Action"] for step in steps] == ["create"] * 7 + ["limit"]


def test_the_quota_is_kept(cloud: Any, ota_modules: Any, write: Any) -> None:
    """No two calls are nearer than the rate allows."""
    products = ", ".join(f"a1Demo0000{number}" for number in range(1, 6))
    assert ota_modules("plan", write("five.yml", f"products: [{products}]\nmodules: [m]\n"), "--qps", "8").status == 0
    moments = [call.moment for call in cloud.platform.calls]
    assert moments[-1] - moments[0] >= 0.9 * 4 / 8


def test_a_plan_without_changes_names_no_next_step(cloud: Any, ota_modules: Any, write: Any) -> None:
    """`apply` refuses a manifest without any request."""
    nothing = write("nothing.yml", "[{ProductKey: a1Nowhere, ModuleName: mcu}]")
    out = f"{nothing}.jsonl"
    assert f"wrote 0 requests to {out}; there is nothing to apply" in ota_modules("plan", nothing, "--out", out).err
