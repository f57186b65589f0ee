"""The last error in words."""

import pytest

from emulator.console.journal import describe


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"code": "ServiceUnavailable", "detail": "ServiceUnavailable: Try again."}, "ServiceUnavailable: Try again."),
        ({"reason": "quota", "operation": "CreateOTAModule", "detail": "no slot"}, "quota: CreateOTAModule: no slot"),
        ({"event": "config_warning"}, "config_warning"),
    ],
)
def test_a_code_that_its_detail_repeats_is_shown_once(entry: dict[str, str], words: str) -> None:
    """What nobody put into words is named by its event."""
    assert describe(entry) == words
