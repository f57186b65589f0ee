"""Signatures of HTTP triggers."""

from types import SimpleNamespace

import pytest
from alibabacloud_openapi_util.client import Client  # type: ignore[import-untyped]

from cli.clients.signing import api_headers, signed_headers
from cli.clients.target import Keys

MOMENT = 1_767_225_600.0


@pytest.mark.parametrize(
    "url",
    ["https://x.cn-shanghai.fcapp.run/modules", "https://x.fcapp.run/a%20b?z=1&a=%E5%AD%97&e=", "https://x.fcapp.run"],
)
@pytest.mark.parametrize("token", ["", "testtoken"])
def test_a_signature_is_the_one_that_the_official_code_makes(url: str, token: str) -> None:
    """As the documentation's sample calls it: with an empty payload hash."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    headers = signed_headers("POST", url, Keys("testid", "testsecret", token), MOMENT)
    authorization = headers.pop("Authorization")
    parts = urlsplit(url)
    request = SimpleNamespace(
        method="POST",
        pathname=Client.get_encode_path(unquote(parts.path)),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=dict(headers),
    )
    assert authorization == Client.get_authorization(request, "ACS3-HMAC-SHA256", "", "testid", "testsecret")


def test_the_time_is_told_in_utc() -> None:
    """The gateway compares it with its own."""
    assert (
        signed_headers("GET", "https://x.fcapp.run/", Keys("testid", "testsecret"), MOMENT)["x-acs-date"]
        == "2026-01-01T00:00:00Z"
    )


@pytest.mark.parametrize("token", ["", "testtoken"])
def test_a_call_of_an_api_is_signed_as_the_official_code_does(token: str) -> None:
    """With the hash of its empty body, and the host among what is signed."""
    url = "https://1.cn-shanghai.fc.aliyuncs.com/2023-03-30/functions/f"
    keys = Keys("testid", "testsecret", token)
    headers = api_headers("GET", url, "GetFunction", "2023-03-30", keys, MOMENT)
    authorization = headers.pop("Authorization")
    request = SimpleNamespace(method="GET", pathname="/2023-03-30/functions/f", query={}, headers=dict(headers))
    payload = headers["x-acs-content-sha256"]
    assert headers["host"] == "1.cn-shanghai.fc.aliyuncs.com"
    assert authorization == Client.get_authorization(request, "ACS3-HMAC-SHA256", payload, "testid", "testsecret")
