"""Signatures of HTTP triggers and of the platform's APIs."""

from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from alibabacloud_openapi_util.client import Client  # type: ignore[import-untyped]

from cli.clients.openapi import signed_headers
from handler.credentials import Credentials

API = {"accept": "application/json", "host": "x.y", "x-acs-action": "GetFunction", "content-type": "text/plain"}


@pytest.mark.parametrize(
    "url", [f"https://x.fcapp.run{path}" for path in ("/modules", "/a%20b?z=1&a=%E5%AD%97&e=", "")]
)
@pytest.mark.parametrize("token", ["", "testtoken"])
@pytest.mark.parametrize(("headers", "payload"), [({}, ""), (API, "e3b0")])
def test_a_signature_is_that_of_the_official_code(url: str, token: str, headers: dict[str, str], payload: str) -> None:
    """Of a trigger with an empty payload hash, as the documentation has it; of an API with that of the body."""
    signed = signed_headers("POST", url, Credentials("testid", "testsecret", token), 1_767_225_600, headers, payload)
    assert signed["x-acs-date"] == "2026-01-01T00:00:00Z"
    authorization = signed.pop("Authorization")
    parts = urlsplit(url)
    request = SimpleNamespace(
        method="POST",
        pathname=Client.get_encode_path(unquote(parts.path)),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name: value for name, value in signed.items() if name != "accept"},
    )
    assert authorization == Client.get_authorization(request, "ACS3-HMAC-SHA256", payload, "testid", "testsecret")
