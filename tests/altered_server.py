"""A server in front of Elasticsearch that changes some of its answers, for what one node can't show."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

KEPT = ("X-elastic-product", "Content-Type")
Alter = Callable[[str, Any], Any]
"""A path, with its parameters, and the answer's JSON -> the JSON to answer."""


@contextmanager
def altered(url: str, alter: Alter) -> Iterator[str]:
    """Yields the address of a server that answers as ``url`` does, but for what ``alter`` changes."""

    class Handler(_Quiet):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
            answer = requests.request(self.command, url + self.path, data=body, headers=sent, timeout=60)
            content = answer.content
            if "json" in answer.headers.get("Content-Type", "") and content:
                content = json.dumps(alter(self.path, answer.json())).encode()
            kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
            self.send(answer.status_code, content, kept)

    with _serving(Handler) as address:
        yield address


@contextmanager
def always(content: bytes, **headers: str) -> Iterator[str]:
    """Yields the address of a server that answers everything with ``content``."""

    class Handler(_Quiet):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send(200, content, {name.replace("_", "-"): value for name, value in headers.items()})

    with _serving(Handler) as address:
        yield address


@contextmanager
def silent() -> Iterator[str]:
    """Yields the address of a server that takes requests and answers none until the end."""
    ended = threading.Event()

    class Handler(_Quiet):
        def answer(self) -> None:
            ended.wait(60)

    with _serving(Handler) as address:
        yield address
        ended.set()


class _Quiet(BaseHTTPRequestHandler):
    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
