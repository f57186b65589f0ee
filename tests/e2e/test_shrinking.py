"""The shortest plan that still fails."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.shrinking import shortest


@given(needed=st.sets(st.integers(0, 20)), others=st.integers(0, 20))
def test_what_is_needed_for_a_failure_is_all_that_is_left(needed: set[int], others: int) -> None:
    """Wherever it stands among what has nothing to do with it."""

    def fails(items: Sequence[int]) -> bool:
        return needed <= set(items)

    assert set(shortest(range(max([others, *needed]) + 1), fails)) == needed


def test_a_failure_that_needs_nothing_has_the_empty_plan() -> None:
    """It fails without any fault."""
    assert shortest([1, 2, 3], lambda _items: True) == []
