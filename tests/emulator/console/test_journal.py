"""The last error in words."""

from emulator.console.journal import describe


def test_a_code_that_its_detail_repeats_is_shown_once() -> None:
    """What nobody put into words is named by its event."""
    assert describe({"code": "Busy", "detail": "Busy: Try again."}) == "Busy: Try again."
    entry = {"reason": "quota", "operation": "CreateOTAModule", "detail": "no slot"}
    assert describe(entry) == "quota: CreateOTAModule: no slot"
    assert describe({"event": "config_warning"}) == "config_warning"
