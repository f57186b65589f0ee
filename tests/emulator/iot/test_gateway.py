"""The checks of keys, tokens, signatures, clocks and nonces."""

import time
from types import SimpleNamespace

import httpx

from emulator.iot import gateway
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key
from tests.emulator.iot.sample import Send

LIST = {"operation": "ListOTAModuleByProduct", "ProductKey": "a1Le6d0abcd"}


def refusal(response: httpx.Response) -> tuple[int, str]:
    assert not response.is_success
    return response.status_code, response.json()["Code"]


def test_a_signed_call_is_admitted(call: Send, accounts: Accounts) -> None:
    """The form is signed and read like the query."""
    for method in ("GET", "POST"):
        for key in (None, accounts.issue("ota-modules")):
            assert call(**LIST, method=method, key=key).json()["Success"] is True
    assert call("ListOTAModuleByProduct", form={"ProductKey": "a1Le6d0abcd"}).json()["Success"] is True


def test_a_signature_that_does_not_match_is_told_what_was_signed(call: Send) -> None:
    for wrong in ({"key": Key(ACCESS_KEY_ID, "wrong")}, {"changes": {"ProductKey": "a1Fleet0001"}}):
        response = call(**LIST, **wrong)
        assert refusal(response)[1] == "SignatureDoesNotMatch"
        assert "server string to sign is:POST&%2F&AccessKeyId" in response.json()["Message"]
        assert ACCESS_KEY_SECRET not in response.text
    assert refusal(call(**LIST, key=Key("nobody", "secret")))[1] == "InvalidAccessKeyId.NotFound"


def test_a_common_parameter_that_is_missing_or_wrong_is_named(call: Send) -> None:
    for name in ("Action", "Version", "RegionId", "AccessKeyId", "Timestamp", "SignatureNonce"):
        assert refusal(call(**LIST, changes={name: None})) == (400, f"Missing{name}")
    for name, value, code in (
        ("SignatureMethod", "HMAC-SHA256", "InvalidSignatureMethod"),
        ("SignatureVersion", "2.0", "InvalidSignatureVersion"),
        ("Version", "2017-04-20", "InvalidVersion"),
        ("Timestamp", "2026-13-01T00:00:00Z", "InvalidTimeStamp.Format"),
        ("Timestamp", "2026-1-1T00:00:00Z", "InvalidTimeStamp.Format"),
        ("Timestamp", "1700000000", "InvalidTimeStamp.Format"),
        ("SignatureNonce", "n" * 129, "InvalidSignatureNonce"),
    ):
        assert refusal(call(**LIST, **{name: value})) == (400, code)


def test_a_clock_may_be_off_by_a_quarter_of_an_hour(call: Send) -> None:
    for minutes, code in ((-16, "InvalidTimeStamp.Expired"), (-14, ""), (14, ""), (16, "InvalidTimeStamp.Expired")):
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + minutes * 60))
        response = call(**LIST, Timestamp=moment)
        assert (response.status_code, response.json()["Code"]) == (400 if code else 200, code)


def test_a_replay_is_refused(call: Send) -> None:
    """A caller that cannot sign does not use up another's nonce."""
    call(**LIST, SignatureNonce="once", key=Key(ACCESS_KEY_ID, "wrong"))
    assert call(**LIST, SignatureNonce="once").json()["Success"] is True
    assert refusal(call(**LIST, SignatureNonce="once")) == (400, "SignatureNonceUsed")


def test_a_nonce_is_free_again_when_its_timestamp_is_too_old(call: Send, steady: SimpleNamespace) -> None:
    """A replay would not pass the clock check by then."""
    call(**LIST, SignatureNonce="old")
    later = time.time() + 2 * gateway.CLOCK_WINDOW + 1
    steady.wall = lambda: later
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(later))
    assert call(**LIST, SignatureNonce="old", Timestamp=moment).json()["Success"] is True


def test_a_temporary_key_needs_its_own_token_in_time(call: Send, accounts: Accounts) -> None:
    key = accounts.issue("ota-modules", seconds=60)
    for token in ("", "another"):
        wrong = call(**LIST, key=Key(key.id, key.secret, token))
        assert refusal(wrong) == (400, "InvalidSecurityToken.MismatchWithAccessKey")
    accounts.wall = lambda: time.time() + 61
    assert refusal(call(**LIST, key=key)) == (400, "InvalidSecurityToken.Expired")


def test_other_methods_and_paths_are_refused(call: Send, platform_url: str) -> None:
    assert refusal(call(**LIST, method="DELETE")) == (400, "UnsupportedHTTPMethod")
    assert refusal(httpx.get(f"{platform_url}/products?Format=JSON")) == (404, "InvalidApi.NotFound")


HEADERS = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
ACS3 = f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={HEADERS},Signature=00"


def test_a_header_signature_that_is_not_valid_is_refused(platform_url: str) -> None:
    headers = {
        "x-acs-action": "ListOTAModuleByProduct",
        "x-acs-version": "2018-01-20",
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": "n",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "authorization": ACS3,
        "accept": "application/json",
    }
    for name, value, code in (
        ("authorization", "ACS3-HMAC-SHA256", "IncompleteSignature"),
        ("authorization", ACS3.partition(",Signature")[0], "IncompleteSignature"),
        ("authorization", ACS3.replace("testid", ""), "IncompleteSignature"),
        ("authorization", f"{ACS3}, and more", "IncompleteSignature"),
        ("authorization", ACS3.replace(HEADERS, "host"), "IncompleteSignature"),
        ("x-acs-security-token", "unsigned", "IncompleteSignature"),
        ("x-acs-content-sha256", "00", "IncompleteSignature"),
        ("x-acs-date", "2020-01-01T00:00:00Z", "InvalidTimeStamp.Expired"),
        ("x-acs-signature-nonce", "another", "SignatureDoesNotMatch"),
    ):
        response = httpx.post(platform_url, headers={**headers, name: value})
        assert refusal(response)[1] == code
    assert "string to sign is:ACS3-HMAC-SHA256\n" in response.json()["Message"]
