"""Tables of modules."""

from typing import Any

from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.screen import Screen


def test_modules_with_the_same_in_store_are_one_row(capsys: Any) -> None:
    """Three hundred products whose module differs alike; one that differs otherwise stays alone."""
    drift = {"AliasName": {"Wanted": "蓝牙", "Found": "BLE"}}
    rows = [
        {"Status": "existing", "ProductKey": f"p{number}", "ModuleName": "ble", "Drift": drift} for number in range(300)
    ]
    rows.append({"Status": "rejected", "ProductKey": "q", "ModuleName": "ble", "Code": "iot.x"})
    show_modules(Screen(), ("Status", "Module", "Why"), map(outcome_row, rows))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "existing  ble of 300 products, p0 the first  AliasName: 'BLE', not '蓝牙'",
        "rejected  q/ble                              iot.x",
    ]
