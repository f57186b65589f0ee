"""Other versions of Python, for the tests that need them."""

import pytest

from deploy.interpreters import find


def interpreter(version: str) -> str:
    """Return a working interpreter of a version; skip the test where there is none."""
    path = find(version)
    if path is None:
        pytest.skip(f"no Python {version} on this machine")
    return path
