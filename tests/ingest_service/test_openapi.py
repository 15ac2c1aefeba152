"""``/openapi.json`` and ``/docs/``: what they say is what the service does."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from tools import encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.settings import Settings

KEY = "the-right-key"
SENT = settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def api(cache):
    served = Settings(cache=cache.root, max_pixels=1_000_000, api_keys=(KEY,), open_pages=frozenset({"docs"}))
    app = create_app(served)
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", app)
    loaded.config.generation.update(modes=list(GenerationMode))
    return loaded


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_route_answers_as_the_document_says_whatever_it_is_sent(api, mode):
    """schemathesis: no 5xx, documented statuses, content types and shapes, valid data accepted, nobody
    let in without a key."""
    checked = set()
    for found in api.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method != "post":
            continue  # no parameter, no body: nothing about it can be wrong

        @SENT
        @given(operation.as_strategy(generation_mode=mode))
        def check(case):
            answers_as_documented(case)

        check()
        checked.add(operation.path)
    assert checked >= {"/v1/faces", "/v1/verify"}


def answers_as_documented(case) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    excluded = [negative_data_rejection, *([positive_data_acceptance] if case.path == "/v1/verify" else [])]
    response = case.call_and_validate(headers=key, excluded_checks=excluded)
    assert response.status_code < 500
    assert b"Traceback" not in response.content
    assert response.headers["x-request-id"]
    if case.method == "POST" and case.media_type == "application/json":
        refused = response.status_code == 400 and response.json()["error"]["code"] == "bad_request"
        assert refused != is_allowed(case), (case.body, response.content)


def is_allowed(case) -> bool:
    """Whether the document allows the body; and a photo of another type than a string, and boxes that are
    none, which are errors of that photo, not of the request. schemathesis's own two checks of this know no
    such errors."""
    body = copy.deepcopy(case.body)
    if isinstance(body, bytes):
        return False
    if isinstance(body, dict) and isinstance(body.get("images"), list):
        for photo in body["images"]:
            if isinstance(photo, dict):
                photo["image"] = ""
                if isinstance(options := photo.get("options"), dict):
                    options.pop("boxes", None)
    document = case.operation.schema.raw_schema
    name = {"/v1/faces": "FacesRequest", "/v1/verify": "VerifyRequest"}[case.path]
    rules = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.is_valid(rules, body)


@pytest.fixture(scope="module")
def document(service):
    return service.get("/openapi.json").json


def test_the_document_is_openapi_3_and_names_every_route_that_there_is(service, document):
    assert document["openapi"].startswith("3.1")
    pages = {"/openapi.json", "/docs/", "/docs/<path:name>"}
    routes = {rule.rule for rule in service.application.url_map.iter_rules()} - pages
    assert set(document["paths"]) == routes >= {"/v1/faces", "/v1/verify", "/healthz", "/readyz", "/metrics"}
    assert document == service.get("/openapi.json").json


def test_every_reference_in_the_document_leads_somewhere(document):
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_example_works_as_it_stands(service, document):
    ran = 0
    for path, route in document["paths"].items():
        for method, operation in route.items():
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                if "example" not in content:
                    continue
                response = service.open(path, method=method, json=content["example"])
                documented = operation["responses"][str(response.status_code)]["content"]["application/json"]
                rules = {**documented["schema"], "components": document["components"]}
                jsonschema_rs.validate(rules, response.json)
                assert media_type == "application/json"
                # A grey square has no face: /v1/faces finds none, /v1/verify has nothing to compare.
                expected = {"/v1/faces": (200, None), "/v1/verify": (400, "no_face")}[path]
                assert (response.status_code, response.json.get("error", {}).get("code")) == expected
                ran += 1
    assert ran == 2


def test_real_answers_have_the_documents_shape_with_every_part_and_with_errors(service, document, portrait):
    images = [{"image": encoded(portrait)}, {"image": "?"}, {"image": encoded(picture(landscape()))}]
    answer = service.post("/v1/faces", json={"images": images}).json
    components = {name: copy.deepcopy(schema) for name, schema in document["components"]["schemas"].items()}
    for schema in components.values():
        schema["additionalProperties"] = schema.get("additionalProperties", False)
    rules = {"$ref": "#/components/schemas/FacesAnswer", "components": {"schemas": components}}
    jsonschema_rs.validate(rules, answer)
    answer = service.post("/v1/verify", json={"images": images[:1] * 2}).json
    jsonschema_rs.validate({**rules, "$ref": "#/components/schemas/VerifyAnswer"}, answer)


def fields(document: dict, *names: str) -> list[tuple[str, dict]]:
    """The fields of schemas and of those that they refer to, as (`Schema.field`, its schema)."""
    found, seen, left = [], set(), list(names)
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            schema = document["components"]["schemas"][name]
            found += [(f"{name}.{field}", rules) for field, rules in schema["properties"].items()]
            left += re.findall(r"#/components/schemas/(\w+)", str(schema))
    return found


def test_a_generated_client_asks_for_no_more_than_the_service_does(document):
    """openapi-typescript, for one, takes a field with a default for one that is always there."""
    schemas = document["components"]["schemas"]
    requests = fields(document, "FacesRequest", "VerifyRequest")
    assert len(requests) > 8
    assert [name for name, rules in requests if "default" in rules] == []
    assert schemas["FacesRequest"]["required"] == schemas["VerifyRequest"]["required"] == ["images"]
    assert "required" not in schemas["PhotoRequest"]
    assert "required" not in schemas["PhotoOptions"]


def test_a_generated_client_has_a_type_for_every_part_of_an_answer(document):
    """openapi-python-client, for one, has none for an object with oneOf."""
    answers = [name for name in document["components"]["schemas"] if name.endswith("Answer")]
    found = fields(document, *answers)
    assert {"FacesAnswer.results", "PhotoResult.faces", "PhotoResult.error", "FaceAnswer.vector"} <= {
        name for name, _ in found
    }
    for name, rules in found:
        kind = rules.get("items", rules)
        assert "$ref" in kind or kind["type"] in ("string", "number", "integer", "boolean", "object"), name
        assert not {"oneOf", "anyOf", "allOf", "default"} & rules.keys(), name
    for name, schema in document["components"]["schemas"].items():
        assert not {"oneOf", "anyOf", "allOf"} & schema.keys(), name


def test_a_generated_client_has_names_for_its_functions_and_can_be_imported(document):
    operations = {path: next(iter(route.values())) for path, route in document["paths"].items()}
    assert {operation["operationId"] for operation in operations.values()} == {
        *("find_faces", "verify", "health", "ready", "models", "metrics")
    }
    # Else openapi-python-client forgets an import, as these have two kinds of body.
    for path in ("/v1/faces", "/v1/verify"):
        assert [parameter["required"] for parameter in operations[path]["parameters"]] == [False]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS", "TRACE"])
def test_a_method_that_a_route_does_not_have_is_answered_with_those_it_has(service, document, method):
    for path, route in document["paths"].items():
        has = {name.upper() for name in route} | {"OPTIONS"} | ({"HEAD"} if "get" in route else set())
        if method in has and method == "POST":
            continue
        response = service.open(path, method=method)
        assert response.status_code == (200 if method in has else 405), (method, path)
        if method not in has or method == "OPTIONS":
            assert set(response.headers["Allow"].split(", ")) == has
        if response.status_code == 405 and method != "HEAD":
            assert response.json["error"]["code"] == "method_not_allowed"


class Links(HTMLParser):
    """Every src and href of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _, attrs) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href")]


def test_docs_opens_swaggers_page_and_every_part_of_it_comes_from_the_service(service):
    page = service.get("/docs", follow_redirects=True)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert not re.search(r"(?:https?:)?//\w", page.text), "another host is named"
    links = Links()
    links.feed(page.text)
    assert {link.rsplit(".", 1)[1] for link in links.found} == {"js", "css", "svg"}
    for link in links.found:
        part = service.get(urljoin("/docs/", link))
        assert part.status_code == 200, link
        assert len(part.data) > 1_000
    (address,) = re.findall(r'url: "([^"]+)"', page.text)
    assert service.get(urljoin("/docs/", address)).json["openapi"]
    # Swagger's page would else send the document's address to validator.swagger.io.
    assert "validatorUrl: null" in page.text


def test_the_stylesheet_names_no_other_host(service):
    style = service.get("/docs/css/swagger-ui.css").text
    assert not re.findall(r"url\(\s*[\"']?(?:https?:)?//", style)
    assert "@import" not in style
