"""Requests of every wrong form: no crash, no traceback, and the code of what is wrong."""

from __future__ import annotations

import pytest
from tools import JSON, bracketed, encoded

from ingest_service.app import create_app
from ingest_service.settings import Settings

NOT_JSON = [
    b"",
    b"\xff\xfe",
    b"{",
    b"\xc3\x28",
    b'{"images": [{"image": "\xff"}]}',
    b"\x1f\x8b\x08\0",
    b"NaN",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", NOT_JSON, ids=range(len(NOT_JSON)))
@pytest.mark.parametrize("path", ["/v1/faces", "/v1/verify"])
def test_a_body_that_is_not_json_is_a_bad_request(service, path, body):
    response = service.post(path, data=body, content_type="application/json")
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
    assert "JSON" in response.json["error"]["message"]


ODD_JSON = {
    "deep": b'{"images": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "deep photo": b'{"images": [{"image": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}]}",
    "NaN": b'{"images": [{"image": "", "options": {"min_quality": NaN}}]}',
    "Infinity": b'{"images": [{"image": "", "options": {"min_quality": Infinity}}]}',
    "a number of many digits": b'{"images": [{"image": "", "options": {"max_faces": ' + b"9" * 9000 + b"}}]}",
    "1e999": b'{"images": [{"image": "", "options": {"max_faces": 1e999}}]}',
    "true for a number": b'{"images": [{"image": "", "options": {"min_quality": true}}]}',
    "text for a number": b'{"images": [{"image": "", "options": {"min_quality": "0.5"}}]}',
    "a lone surrogate": b'{"model": 5, "images": [{"image": "\\ud800"}], "\\ud800": 1}',
}


@pytest.mark.parametrize("body", ODD_JSON.values(), ids=ODD_JSON)
def test_odd_json_is_a_bad_request_without_a_traceback(service, body):
    response = service.post("/v1/faces", data=body, content_type="application/json")
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
    assert "Traceback" not in response.text
    assert len(response.text) < 1_000


def test_the_last_of_equal_keys_counts(service, portrait):
    body = b'{"images": [], "images": [{"image": "%s"}], "return": []}' % encoded(portrait).encode()
    response = service.post("/v1/faces", data=body, content_type="application/json")
    assert len(response.json["results"][0]["faces"]) == 1


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "image/jpeg", "application/jsonp", None],
)
def test_another_content_type_is_refused_with_the_header_to_send(service, portrait, content_type):
    """A browser sends the first two for any page, without asking the service beforehand."""
    response = service.post("/v1/faces", data=portrait.read_bytes(), content_type=content_type)
    assert (response.status_code, response.json["error"]["code"]) == (415, "unsupported_media_type")
    assert {content_type or "absent", "application/json"} <= bracketed(response.json["error"]["message"])
    assert "-F image=@" in response.json["error"]["message"]


def test_a_lone_surrogate_in_a_photo_or_model_is_no_crash(service):
    body = b'{"model": "\\ud800", "images": [{"image": "\\ud800"}]}'
    assert service.post("/v1/faces", data=body, headers=JSON).status_code == 409
    body = b'{"images": [{"image": "\\ud800"}]}'
    assert (
        service.post("/v1/faces", data=body, headers=JSON).json["results"][0]["error"]["code"] == "not_base64"
    )


def test_2_0_is_a_whole_number_as_javascript_writes_it(service, group_photo):
    item = {"image": encoded(group_photo), "options": {"max_faces": 2.0}}
    assert len(service.post("/v1/faces", json={"images": [item]}).json["results"][0]["faces"]) == 2
    item["options"]["max_faces"] = 1.5
    assert service.post("/v1/faces", json={"images": [item]}).status_code == 400


@pytest.mark.parametrize("field", ["file", "photo", "images", "upload"])
def test_a_form_whose_file_has_another_name_learns_the_right_one(service, portrait, field):
    form = {field: (portrait.open("rb"), "me.jpg")}
    response = service.post("/v1/faces", data=form)
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
    assert {field, "image"} <= bracketed(response.json["error"]["message"])


def test_a_form_without_a_file_and_a_bare_file_learn_of_the_field(service, portrait):
    for form in ({"priority": "search"}, {"image": "me.jpg"}):
        response = service.post("/v1/faces", data=form, content_type="multipart/form-data")
        assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
        assert "image" in bracketed(response.json["error"]["message"])
    response = service.post("/v1/faces", data=portrait.read_bytes(), headers=JSON)
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
    assert "-F image=@" in response.json["error"]["message"]


def test_a_page_of_another_origin_is_refused_in_plain_words(service):
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/faces", "/v1/verify", "/readyz"):
        response = service.options(path, headers=asked)
        assert (response.status_code, response.json["error"]["code"]) == (403, "cross_origin")
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "docs/service.md" in response.json["error"]["message"]
    # Not a browser's question: a program that asks for the methods.
    assert service.options("/v1/faces").status_code == 200


@pytest.mark.parametrize("given", ["Bearer \xe9\xff", "Bearer", "", "Basic a2V5", "Bearer  key", "key"])
def test_an_odd_authorization_is_refused_and_names_the_scheme(cache, given):
    guarded = create_app(Settings(cache=cache.root, api_keys=("key",))).test_client()
    response = guarded.post("/v1/faces", json={}, headers={"Authorization": given})
    assert (response.status_code, response.json["error"]["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert guarded.post("/v1/faces", json={}, headers={"Authorization": "Bearer key"}).status_code == 400
