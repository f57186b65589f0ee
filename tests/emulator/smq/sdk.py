"""The official SDK, as the tests of SMQ use it."""

from collections.abc import Callable

import pytest
from mns.account import Account
from mns.mns_exception import MNSServerException

Login = Callable[..., Account]


def refusal(call: Callable[..., object], *arguments: object) -> MNSServerException:
    """Call what the service must refuse, and return the refusal: its code is `type`."""
    with pytest.raises(MNSServerException) as refused:
        call(*arguments)
    return refused.value
