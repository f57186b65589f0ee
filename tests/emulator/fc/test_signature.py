"""Signatures of callers of Function Compute, made by the official SDKs."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from types import SimpleNamespace

import pytest
from alibabacloud_tea_openapi.utils import Utils
from fc2.auth import Auth

from emulator.fc.service import FcError
from emulator.fc.signature import Signed, authenticate, check_body
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key

NOW = 1_700_000_000.0
PATH = "/2016-08-15/services/s/functions/f/invocations"


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(wall=lambda: NOW)


def by_fc2(**more: str) -> Signed:
    headers = {"date": formatdate(NOW, usegmt=True), "content-type": "application/json"}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    headers["authorization"] = Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET, "").sign_request("POST", PATH, headers)
    return Signed("POST", PATH, "", headers)


def by_acs3(query: Mapping[str, str] | None = None, key: Key | None = None, payload: str = "", **more: str) -> Signed:
    """Signed as the SDKs of the cloud do: the recipe of the page on signed HTTP triggers leaves the payload out."""
    headers = {"host": "127.0.0.1", "x-acs-date": "2023-11-14T22:13:20Z"}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    headers |= {"x-acs-security-token": key.token} if key else {}
    request = SimpleNamespace(method="GET", pathname="/f/modules", query=dict(query or {}), headers=headers)
    known = key or Key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    header = Utils.get_authorization(request, "ACS3-HMAC-SHA256", payload, known.id, known.secret)
    sent = "&".join(f"{name}={value}" for name, value in (query or {}).items())
    return Signed("GET", "/f/modules", sent, {**headers, "authorization": header})


def changed(signed: Signed, **headers: str) -> Signed:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(signed, headers={**signed.headers, **more})


def test_both_forms_of_signature_are_accepted(accounts: Accounts) -> None:
    for signed in (by_fc2(), by_fc2(x_fc_log_type="Tail"), by_acs3(), by_acs3({"b": "2", "a": "1"})):
        assert authenticate(signed, accounts).id == ACCESS_KEY_ID


def test_temporary_keys_sign_with_their_token_until_it_expires(accounts: Accounts) -> None:
    key = accounts.issue("ota-modules")
    assert authenticate(by_acs3(key=key), accounts).role == "ota-modules"
    with pytest.raises(FcError, match="does not belong") as refused:
        authenticate(by_acs3(key=Key(key.id, key.secret, "another")), accounts)
    assert (refused.value.status, refused.value.code) == (403, "AccessDenied")
    accounts.expire(key.id)
    with pytest.raises(FcError, match="has expired"):
        authenticate(by_acs3(key=key), accounts)


def test_a_wrong_signature_is_refused(accounts: Accounts) -> None:
    """With the documented code, where there is one."""
    for signed, status, code in (
        (Signed("POST", PATH, "", {}), 400, "MissingRequiredHeader"),
        (changed(by_fc2(), authorization="Basic abc"), 403, "AccessDenied"),
        (changed(by_fc2(), x_fc_log_type="Tail"), 403, "SignatureNotMatch"),
        (changed(by_fc2(), date="yesterday"), 400, "InvalidArgument"),
        (by_fc2(date=formatdate(NOW - 901, usegmt=True)), 403, "InvalidTimestamp"),
        (changed(by_fc2(), authorization="FC nobody:abc="), 403, "InvalidAccessKeyID"),
        (changed(by_acs3(), host="another"), 403, "SignatureNotMatch"),
        (changed(by_acs3(), x_acs_security_token="unsigned"), 403, "SignatureNotMatch"),
        (by_acs3(x_acs_date="2023-11-14T21:00:00Z"), 403, "InvalidTimestamp"),
        (by_acs3(x_acs_date="today"), 400, "InvalidArgument"),
    ):
        with pytest.raises(FcError) as refused:
            authenticate(signed, accounts)
        assert (refused.value.status, refused.value.code) == (status, code)


def test_a_body_other_than_the_signed_one_is_refused() -> None:
    """Where its hash is signed; FC 2.0 signs none."""
    digest = hashlib.sha256(b"one").hexdigest()
    signed = by_acs3(payload=digest, x_acs_content_sha256=digest)
    check_body(signed, b"one")
    check_body(by_fc2(), b"any")
    with pytest.raises(FcError, match="not the hash"):
        check_body(signed, b"two")
