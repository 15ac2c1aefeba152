"""A page in somebody's browser: it reaches loopback, but neither asks the service nor reads from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from tools import encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.settings import Settings

KEY = "a-key-of-more-than-16-letters"
PAGES = {
    "/v1/models": "models",
    "/metrics": "metrics",
    "/docs/": "docs",
    "/openapi.json": "docs",
    "/docs/js/swagger-ui-bundle.js": "docs",
}
OPEN = ("/healthz", "/readyz")
Made = Callable[..., FlaskClient]
PHOTO = {"images": [{"image": encoded(picture(landscape(32, 32)))}]}


@pytest.fixture(scope="module")
def made(cache) -> Made:
    def make(**settings: object) -> FlaskClient:
        return create_app(Settings(cache=cache.root, **settings)).test_client()

    return make


@pytest.fixture(scope="module")
def without_key(made: Made) -> FlaskClient:
    return made()


@pytest.fixture(scope="module")
def with_key(made: Made) -> FlaskClient:
    return made(api_keys=(KEY,))


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.json["error"]["code"]


FOREIGN = [
    {"Origin": "https://page.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:5601"},
    {"Origin": "http://localhost:8501"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:8501.page.example"},
    {"Origin": "http://127.0.0.1:8501@page.example"},
    {"Origin": "https://page.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "file://"},
    {"Origin": "chrome-extension://127.0.0.1:8501"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=range(len(FOREIGN)))
def test_pages_of_other_origins_are_refused_everywhere(without_key, headers):
    headers = {"Host": "127.0.0.1:8501", **headers}
    file = {"image": picture(landscape(32, 32))}
    assert refusal(without_key.post("/v1/faces", json=PHOTO, headers=headers)) == (403, "cross_origin")
    form = without_key.post("/v1/faces", data=file, headers=headers, content_type="multipart/form-data")
    assert refusal(form) == (403, "cross_origin")
    for path in (*PAGES, *OPEN):
        assert refusal(without_key.get(path, headers=headers)) == (403, "cross_origin")


@pytest.mark.parametrize(
    "host",
    [
        "page.example",
        "page.example:8501",
        "127.0.0.1.page.example",
        "localhost.page.example:8501",
        "127.0.0.1@page.example",
        "page.example@127.0.0.1",
        "faces",
        "",
        "[::1",
        "127.0.0.1:8501/",
        "0x7f000001",
        "2130706433",
    ],
)
def test_a_name_that_is_not_the_services_is_refused_without_a_key(without_key, host):
    """A page whose own name suddenly resolves to loopback: DNS rebinding."""
    for path in ("/v1/models", "/readyz"):
        response = without_key.get(path, headers={"Host": host})
        assert refusal(response) == (403, "cross_origin")
    response = without_key.post("/v1/faces", json=PHOTO, headers={"Host": host})
    assert refusal(response) == (403, "cross_origin")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST", "localhost.", "[::1]:8501", "10.1.2.3:8501"]
)
def test_addresses_and_localhost_are_answered(without_key, host):
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    for headers in ({"Host": host}, own):
        assert without_key.post("/v1/faces", json=PHOTO, headers=headers).status_code == 200
        assert without_key.get("/metrics", headers=headers).status_code == 200


def test_a_link_to_the_docs_and_a_typed_address_are_answered(without_key):
    link = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    typed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
    for headers in (link, typed):
        assert without_key.get("/docs/", headers=headers).status_code == 200
    assert refusal(without_key.post("/v1/faces", json=PHOTO, headers=link)) == (403, "cross_origin")


def test_allowed_hosts_are_names_of_the_service_and_of_its_pages(made):
    client = made(allowed_hosts=frozenset({"faces"}))
    assert client.post("/v1/faces", json=PHOTO, headers={"Host": "faces:8501"}).status_code == 200
    proxied = {"Host": "127.0.0.1:8501", "Origin": "https://faces"}
    assert client.post("/v1/faces", json=PHOTO, headers=proxied).status_code == 200
    for host in ("faces.page.example", "page.example"):
        assert refusal(client.get("/readyz", headers={"Host": host})) == (403, "cross_origin")


def test_with_a_key_the_name_does_not_matter_and_a_page_without_it_gets_nothing(with_key):
    key = {"Authorization": f"Bearer {KEY}"}
    for host in ("faces.internal:8501", "page.example"):
        answer = with_key.post("/v1/faces", json=PHOTO, headers={"Host": host, **key})
        assert answer.status_code == 200
        assert with_key.get("/readyz", headers={"Host": host}).status_code == 200
    proxied = {"Origin": "https://page.example", **key}
    assert with_key.post("/v1/faces", json=PHOTO, headers=proxied).status_code == 200
    for path in ("/v1/models", "/readyz", "/healthz"):
        response = with_key.get(path, headers={"Origin": "https://page.example"})
        assert refusal(response) == (403, "cross_origin")


def test_pages_follow_the_key_unless_told_otherwise(made, with_key):
    for path in PAGES:
        assert refusal(with_key.get(path)) == (401, "unauthorized")
        assert refusal(with_key.get(path, headers={"Authorization": "Bearer no"})) == (401, "unauthorized")
        assert with_key.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    for path in OPEN:
        assert with_key.get(path).status_code == 200
    for opened in ("docs", "metrics", "models"):
        client = made(api_keys=(KEY,), open_pages=frozenset({opened}))
        for path, page in PAGES.items():
            assert (client.get(path).status_code == 200) == (page == opened)
        assert refusal(client.post("/v1/faces", json=PHOTO)) == (401, "unauthorized")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_browser_sends_unasked_is_no_json(without_key, content_type):
    response = without_key.post("/v1/faces", data='{"images": []}', content_type=content_type)
    assert refusal(response) == (415, "unsupported_media_type")
