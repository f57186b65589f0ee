"""Credentials: what must not be shown."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from handler.credentials import Credentials

TEXTS = st.text(st.characters(codec="ascii"), min_size=1)


@given(TEXTS, TEXTS, TEXTS)
def test_secrets_are_all_that_grants_access_in_every_form_that_travels(key_id: str, secret: str, token: str) -> None:
    """The token as it is, in a URL, and in a string to sign, which quotes a URL."""
    secrets = Credentials(key_id, secret, token).secrets
    once = quote(token, safe="-_.~")
    assert {secret, token, once, quote(once, safe="-_.~")} == set(secrets)


def test_nothing_is_replaced_where_there_is_nothing_to_hide() -> None:
    """A long-lived key has no token, and an empty text is in every text."""
    assert Credentials("testid", "hidden").secrets == ("hidden",)
    assert Credentials("", "").secrets == ()


def test_credentials_do_not_show_themselves() -> None:
    assert "hidden" not in f"{Credentials('testid', 'hidden-secret', 'hidden-token')!r}"
