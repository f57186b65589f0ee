"""Files that commands read and write."""

import sys

import pytest

from cli.errors import UsageError
from cli.terminal.files import read


def test_a_closed_standard_input_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `<&-` and some schedulers leave it."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        read("-")
