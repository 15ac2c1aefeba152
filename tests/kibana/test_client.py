"""The connection to Kibana: logins, waiting for its start, and what answers in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fake_kibana import FakeKibana
from secured import Authority
from small_boards import OBJECTS

from es_setup.connection import Connection
from es_setup.embedded.local_node import free_port
from kibana.client import Kibana, connect
from kibana.importing import copies, install
from kibana.server import KibanaError, StillStarting


def test_a_space_that_is_not_there_is_refused_before_anything_is_written(fake):
    with pytest.raises(KibanaError, match=r"\[nowhere\].*--space"):
        Kibana(fake.url, space="nowhere").require_space()


@pytest.mark.parametrize(
    "login",
    [{"kibana_api_key": "key"}, {"es_api_key": "key"}, {"kibana_user": "elastic", "kibana_password": "key"}],
)
def test_keys_of_kibana_or_of_elasticsearch_open_it(login):
    with FakeKibana(api_key="key", base_path="/kibana") as fake:
        kibana = connect(Connection(kibana_url=f"{fake.url}/", **login))
        assert kibana.wait_until_available() == "8.19.21"
        kibana.require_space()
        assert {one.state for one in install(kibana, OBJECTS, overwrite=False)} == {"imported"}


@pytest.mark.parametrize(
    "login", [{}, {"kibana_api_key": "wrong"}, {"kibana_api_key": "no", "es_api_key": "key"}]
)
def test_a_wrong_key_is_said_with_the_variables_to_set(login):
    with FakeKibana(api_key="key") as fake:
        kibana = connect(Connection(kibana_url=fake.url, **login))
        assert kibana.wait_until_available() is None
        with pytest.raises(KibanaError, match=r"401.*KIBANA_API_KEY"):
            kibana.require_space()


def test_a_password_may_have_letters_of_any_language():
    with FakeKibana(api_key="schlüssel-顔") as fake:
        login = {"kibana_user": "elastic", "kibana_password": "schlüssel-顔"}
        connect(Connection(kibana_url=fake.url, **login)).require_space()


@pytest.mark.parametrize("key", ["secret\n", "secret-顔"])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(fake, key):
    with pytest.raises(KibanaError, match="KIBANA_API_KEY") as refused:
        connect(Connection(kibana_url=fake.url, kibana_api_key=key)).require_space()
    assert "secret" not in str(refused.value)


def test_a_key_that_may_not_write_is_told_the_privileges(fake, kibana):
    fake.forbidden = True
    with pytest.raises(KibanaError, match=r"403.*Dashboard.*Data View.*\[default\]"):
        install(kibana, OBJECTS, overwrite=False)


def test_kibana_is_waited_for_and_the_reason_is_told():
    said = []
    with FakeKibana(starting=1) as fake:
        assert Kibana(fake.url).wait_until_available(60, said.append) == "8.19.21"
    (message,) = said
    for fact in ("60 s", fake.url, "(1 service is unavailable: savedObjects)"):
        assert fact in message


def test_a_kibana_that_never_starts_ends_the_wait():
    with (
        FakeKibana(starting=1_000) as fake,
        pytest.raises(StillStarting, match=r"\b0\.1 s"),
    ):
        Kibana(fake.url).wait_until_available(0.1)


def test_where_no_kibana_is_the_address_is_asked_for():
    with pytest.raises(StillStarting, match=r"http://127\.0\.0\.1:\d+.*KIBANA_URL"):
        Kibana(f"http://127.0.0.1:{free_port()}").wait_until_available()


@pytest.mark.parametrize("url", ["127.0.0.1:5601", "kibana", "ftp://kibana", "http://"])
def test_what_is_no_address_is_said(url):
    with pytest.raises(KibanaError, match=r"KIBANA_URL.*http://127\.0\.0\.1:5601"):
        connect(Connection(kibana_url=url))


@pytest.mark.parametrize("password", ["s3cret", "s3#cret", "9/s3cret"])
def test_a_password_in_the_address_is_refused_and_not_repeated(password):
    with pytest.raises(KibanaError, match="KIBANA_USER and KIBANA_PASSWORD") as refused:
        connect(Connection(kibana_url=f"http://elastic:{password}@127.0.0.1:5601"))
    assert "cret" not in str(refused.value)


def test_a_forgotten_base_path_is_said():
    with FakeKibana(base_path="/kibana") as fake, pytest.raises(KibanaError, match=r"server\.basePath"):
        Kibana(fake.url.removesuffix("/kibana")).wait_until_available()


@pytest.mark.parametrize(("version", "old"), [("8.18.4", True), ("8.19.0", False), ("9.5.3", False)])
def test_a_kibana_older_than_the_boards_is_refused(version, old):
    with FakeKibana(version=version) as fake:
        if not old:
            assert Kibana(fake.url).wait_until_available() == version
            return
        with pytest.raises(KibanaError, match=r"8\.18\.4.*8\.19"):
            Kibana(fake.url).wait_until_available()


@pytest.mark.parametrize(
    ("status", "headers", "body", "fact"),
    [
        (200, {"content-type": "text/html"}, "<html>", "KIBANA_URL"),
        (200, {"content-type": "application/json"}, '{"hello": 1}', "KIBANA_URL"),
        (400, {"x-elastic-product": "Elasticsearch"}, "{}", "Elasticsearch.*KIBANA_URL"),
        (302, {"location": "https://sso.internal/"}, "", "https://sso.internal/.*KIBANA_URL"),
        (404, {"content-type": "text/html"}, "<html>", r"server\.basePath.*KIBANA_URL"),
    ],
)
def test_what_is_not_kibana_is_named(status, headers, body, fact):
    with answering(status, headers, body) as url, pytest.raises(KibanaError, match=fact):
        Kibana(url).wait_until_available(60)


def test_an_import_that_something_else_answers_is_no_import():
    with answering(200, {"content-type": "text/plain"}, "OK") as url:
        with pytest.raises(KibanaError, match="KIBANA_URL"):
            install(Kibana(url), OBJECTS, overwrite=False)
        with pytest.raises(KibanaError, match="KIBANA_URL"):
            copies(Kibana(url), OBJECTS)


@contextmanager
def answering(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    """A server that answers everything with this; its address."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_certificate_is_trusted_through_its_authority_alone(tmp_path):
    ours, stranger = Authority(tmp_path, "ours"), Authority(tmp_path, "stranger")
    with FakeKibana(certificate=ours.issue("kibana")) as fake:
        trusting = connect(Connection(kibana_url=fake.url, es_ca_certs=ours.certificate))
        assert trusting.wait_until_available() == "8.19.21"
        for authority in (None, stranger.certificate):
            with pytest.raises(KibanaError, match="KIBANA_CA_CERTS"):
                Kibana(fake.url, ca_certs=authority).wait_until_available(60)
        with pytest.raises(KibanaError, match=r"KIBANA_CA_CERTS: .*no-such\.pem"):
            Kibana(fake.url, ca_certs=tmp_path / "no-such.pem").wait_until_available(60)
        with pytest.raises(StillStarting, match=r"http://127.*KIBANA_URL.*https"):
            Kibana(fake.url.replace("https", "http")).wait_until_available()


def test_no_key_is_ever_shown():
    shown = repr(connect(Connection(kibana_api_key="secret-key", kibana_password="secret-word")))
    assert "secret" not in shown
