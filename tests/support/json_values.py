"""Any value that JSON can hold, for tests that take whatever comes."""

from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(), max_size=140)


def json_values(names: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Any]:
    """Draw values that hold a few others; `names` are those of fields."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
        max_leaves=6,
    )
