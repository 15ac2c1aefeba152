"""A wrong key: each command says what to set, and not the key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Refusing(BaseHTTPRequestHandler):
    """What Elasticsearch answers to a wrong key."""

    def do_GET(self) -> None:
        reason = {"type": "security_exception", "reason": "unable to authenticate with this key"}
        body = json.dumps({"error": {**reason, "root_cause": [reason]}, "status": 401}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-elastic-product", "Elasticsearch")
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "words",
    [
        ("identify", "PHOTO"),
        ("identify", "--all"),
        ("verify", "some-id", "PHOTO"),
        ("enroll", "PHOTO", "--name", "Ann"),
        ("enroll", "--from", "some-id"),
        ("gallery", "list"),
        ("gallery", "tag", "Ann", "watch"),
        ("list", "people"),
        ("list", "photos", "--name", "Ann"),
        ("export", "--name", "Ann"),
    ],
    ids=" ".join,
)
def test_a_wrong_key_is_status_1_with_what_to_set(refusing, run, album, words):
    given = [album.files["ann-0"] if word == "PHOTO" else word for word in words]
    status, out, err = run(*given, ES_URL=refusing, ES_API_KEY="d3Jvbmc=")
    assert (status, out) == (1, ""), err
    assert "ES_API_KEY" in err
    assert "d3Jvbmc=" not in err
