"""Signatures: the same as the official SDKs make."""

import time
from urllib.parse import parse_qsl, urlsplit

from aliyunsdkcore.auth.composer import rpc_signature_composer as composer
from hypothesis import given
from hypothesis import strategies as st
from mns.auth import StaticCredentialsProvider
from mns.mns_client import MNSClient

from handler.credentials import Credentials
from handler.signatures import sign_rpc, sign_smq

KEYS = Credentials("testid", "testsecret", "testtoken")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.dictionaries(st.sampled_from(["ProductKey", "ModuleName", "AliasName", "Desc"]), TEXTS))
def test_a_call_is_signed_as_the_sdk_signs_it(parameters: dict[str, str]) -> None:
    """Whatever its parameters hold, and so that the server reads the same."""
    sent = dict(parse_qsl(urlsplit(sign_rpc(parameters, KEYS, time.time())).query, keep_blank_values=True))
    signature = sent.pop("Signature")
    assert {name: sent[name] for name in parameters} == parameters
    assert sent["SecurityToken"] == "testtoken"
    text = getattr(composer, "__compose_string_to_sign")("POST", dict(sent))
    assert signature == getattr(composer, "__get_signature")(text, KEYS.access_key_secret)


def test_every_call_has_a_nonce_of_its_own() -> None:
    """A server takes none twice."""
    assert len({sign_rpc({}, KEYS, 0.0) for _ in range(100)}) == 100


@given(TEXTS)
def test_a_message_is_signed_as_the_sdk_signs_it(body: str) -> None:
    """The token stands beside, and is not signed."""
    headers = dict(sign_smq("/topics/results/messages", body.encode(), KEYS, 1_750_000_000.0))
    provider = StaticCredentialsProvider("testid", "testsecret", "testtoken").get_credentials()
    client = MNSClient("https://smq.invalid", "testid", "testsecret")
    signed = client.get_signature("POST", headers, "/topics/results/messages", provider)
    assert (headers["Authorization"], headers["security-token"]) == (signed, "testtoken")
    assert headers["date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
