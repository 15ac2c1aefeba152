"""Addresses that are wrong: the message names the address and says what is wrong there."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from secured import Authority
from typer.testing import CliRunner

from faces.cli import app


class Server(ThreadingHTTPServer):
    """Answers every request with one status, content type and body."""

    daemon_threads = True

    def __init__(self, status: int, kind: str, body: str) -> None:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_PUT = do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(status: int, kind: str = "application/json", body: str = "{}") -> Server:
        made.append(Server(status, kind, body))
        return made[-1]

    yield start
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closing() -> Iterator[str]:
    """The address of a server that closes each connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def said(variable: str, url: str) -> str:
    """The error of a command that uses the server of this variable."""
    command = {
        "ES_URL": ("install", "--model", "facenet-00000000"),
        "FACES_URL": ("status",),
        "KIBANA_URL": ("dashboards", "install", "--wait", "0"),
    }[variable]
    nowhere = "http://127.0.0.1:1"
    known = {"ES_URL": nowhere, "FACES_URL": nowhere, "KIBANA_URL": nowhere} | {variable: url}
    result = CliRunner().invoke(app, command, env=known)
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    text = result.stdout if variable == "FACES_URL" else result.stderr
    wanted = "service:" if variable == "FACES_URL" else "error:"
    (line,) = [line for line in text.splitlines() if line.startswith(wanted)]
    return line


EACH = pytest.mark.parametrize("variable", ["ES_URL", "FACES_URL", "KIBANA_URL"])


@EACH
def test_nothing_listens_or_the_host_is_unknown(variable):
    for url, why in (("http://127.0.0.1:1", "refused"), ("http://nowhere.invalid:9200", "host")):
        line = said(variable, url)
        assert url in line
        assert why in line
        assert variable in line


@EACH
def test_https_where_there_is_no_tls(variable, serving):
    line = said(variable, url := f"https://{serving(200).address}")
    assert url in line
    assert "http://" in line


@EACH
def test_a_certificate_of_an_unknown_authority(variable, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path, "ours").issue("server"))
    server = Server(200, "application/json", "{}")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    line = said(variable, url := f"https://{server.address}")
    server.shutdown()
    assert url in line
    assert "certificate" in line


@EACH
def test_a_server_that_closes_the_connection(variable, closing):
    line = said(variable, url := f"http://{closing}")
    assert url in line
    assert "https" in line


@EACH
@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_web_page_of_a_proxy(variable, serving, status):
    line = said(variable, url := f"http://{serving(status, 'text/html', '<html>Bad gateway</html>').address}")
    assert url in line
    assert "<html>" not in line


@EACH
def test_json_of_another_server(variable, serving):
    line = said(variable, url := f"http://{serving(200, body=json.dumps({'hello': 'world'})).address}")
    assert url in line
    assert variable in line


@EACH
def test_a_server_that_asks_for_a_key(variable, serving):
    body = {
        "error": {
            "code": "unauthorized",
            "message": "no key",
            "type": "security_exception",
            "reason": "no key",
        }
    }
    line = said(variable, url := f"http://{serving(401, body=json.dumps(body)).address}")
    assert url in line
    assert "_API_KEY" in line or variable == "FACES_URL"
    assert "no key" in line or variable == "KIBANA_URL"


@EACH
@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "127.0.0.1:9200", "http://", "http://[::1"])
def test_what_is_no_address(variable, url):
    line = said(variable, url)
    assert variable in line
    assert url in line


@pytest.mark.parametrize("variable", ["ES_URL", "FACES_URL"])
def test_a_password_in_what_is_no_address_is_not_repeated(variable):
    line = said(variable, "ann:secret@127.0.0.1:9200")
    assert "secret" not in line
    assert "127.0.0.1:9200" in line


def test_explore_does_not_take_another_server_for_an_elasticsearch_without_faces(serving):
    url = f"http://{serving(404, body='{}').address}"
    result = CliRunner().invoke(app, ["explore"], env={"ES_URL": url})
    assert result.exit_code == 1
    assert url in result.stderr


@pytest.mark.parametrize("variable", ["ES_URL", "FACES_URL"])
def test_a_password_in_an_address_is_not_repeated(variable):
    line = said(variable, "http://ann:secret@127.0.0.1:1")
    assert "secret" not in line
    assert "127.0.0.1:1" in line
