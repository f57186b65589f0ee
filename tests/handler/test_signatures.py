"""Signatures of SMQ: the same as the official SDK makes."""

from hypothesis import given
from hypothesis import strategies as st
from mns.auth import StaticCredentialsProvider
from mns.mns_client import MNSClient

from handler.credentials import Credentials
from handler.smq import sign_smq

KEYS = Credentials("testid", "testsecret", "testtoken")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(TEXTS)
def test_a_message_is_signed_as_the_sdk_signs_it(body: str) -> None:
    """The token stands beside, and is not signed."""
    headers = dict(sign_smq("/topics/results/messages", body.encode(), KEYS, 1_750_000_000.0))
    provider = StaticCredentialsProvider("testid", "testsecret", "testtoken").get_credentials()
    client = MNSClient("https://smq.invalid", "testid", "testsecret")
    signed = client.get_signature("POST", headers, "/topics/results/messages", provider)
    assert (headers["Authorization"], headers["security-token"]) == (signed, "testtoken")
    assert headers["date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
