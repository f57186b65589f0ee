"""OpenAPI: the published contract is the one that is served, and the one that is kept."""

import json

from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from deploy.openapi import document
from handler import web
from handler.answers import KINDS
from handler.messages import ModuleRequest, read
from handler.web import HttpRequest
from tests.support.fake_function import Function
from tests.support.json_schemas import faults


def test_the_openapi_document_is_valid_and_served() -> None:
    """OpenAPI 3.1, as the official validator sees it; in ASCII, whatever its patterns hold."""
    served = Function().respond(HttpRequest("GET", "/openapi.json")).body
    assert (served.isascii(), json.loads(served)) == (True, document())
    validate(document())


def test_the_document_lists_every_path_method_and_kind_of_problem() -> None:
    paths = document()["paths"]
    assert {path: [method.upper() for method in methods] for path, methods in paths.items()} == {
        path: [method for method in route if method != "HEAD"] for path, route in web.ROUTES.items()
    }
    responses = paths["/modules"]["post"]["responses"]
    assert all(known.type in responses[str(known.status)]["description"] for known in KINDS.values())
    assert responses.keys() >= {"403", "429"}  # of the platform, before the function is called
    assert {"signature": []} in document()["security"]


TEXTS = ("", "keep", "default", "a b", "a", "a\n", "x" * 65, "x" * 101, "x" * 129, "微", "\u200b")
VALUES: st.SearchStrategy[object] = st.sampled_from([*TEXTS, None, 0, 1, 1.5, True, [], {}])


@given(st.dictionaries(st.sampled_from([*ModuleRequest.model_fields, "Other"]), VALUES, max_size=6))
def test_schema_and_function_agree(fields: dict[str, object]) -> None:
    whole = {"ProductKey": "a1", "ModuleName": "mcu", **fields}
    schema = {"$ref": "#/components/schemas/ModuleRequest", "components": document()["components"]}
    assert (faults(whole, schema) == []) is isinstance(read(whole, "m1")[0], ModuleRequest)
