"""Parameters as requests carry them, and the format of answers."""

import httpx

from emulator.iot import rpc
from emulator.iot.service import IotPlatform

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


def test_parameters_come_from_the_query_and_a_form_alone(platform: IotPlatform, platform_url: str) -> None:
    for headers in (FORM, {"content-type": "text/plain; charset=utf-8"}):
        httpx.post(f"{platform_url}/?Action=Pub&Empty=", content="Desc=a%20b+c&Alias=%E4%BB%AA", headers=headers)
    query, form = {"Action": "Pub", "Empty": ""}, {"Desc": "a b c", "Alias": "仪"}
    assert [call.parameters for call in platform.calls] == [{**query, **form}, query]


def test_parameters_that_are_ambiguous_or_too_long_are_refused(platform_url: str) -> None:
    for query, body, status in (
        ("Desc=1&Desc=2", "", 400),
        ("Desc=1", "Desc=1", 400),
        ("Desc=%FF", "", 400),
        ("&".join(f"p{n}=1" for n in range(rpc.PARAMETER_LIMIT + 1)), "", 400),
        ("", "x" * (rpc.BODY_LIMIT + 1), 413),
    ):
        response = httpx.post(f"{platform_url}/?{query}", content=body, headers=FORM)
        assert (response.status_code, response.json()["Code"]) == (status, "InvalidParameter")


def test_the_format_asked_for_decides(platform_url: str) -> None:
    """XML, unless the query or else the header Accept asks for JSON."""
    for query, accept, kind in (
        ("", "*/*", "text/xml"),
        ("", "application/json", "application/json"),
        ("Format=XML", "application/json", "text/xml"),
        ("Format=json", "", "application/json"),
    ):
        response = httpx.get(f"{platform_url}/?{query}", headers={"accept": accept})
        assert response.headers["content-type"] == f"{kind};charset=utf-8"
