"""All hits of a search, whatever becomes of whoever reads them."""

from __future__ import annotations

import gc
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from elasticsearch import Elasticsearch

from faces.pages import every_hit


class PointInTime(BaseHTTPRequestHandler):
    """Elasticsearch with one point in time, and more hits than fit on a page."""

    protocol_version = "HTTP/1.1"
    closed: list[str]

    def answer(self, body: dict) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        hits = [{"_id": str(number), "sort": [number]} for number in range(2)]
        self.answer({"id": "pit"} if "_pit" in self.path else {"pit_id": "pit", "hits": {"hits": hits}})

    def do_DELETE(self) -> None:
        self.closed.append(self.path)
        self.answer({"succeeded": True, "num_freed": 1})

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server():
    handler = type("Handler", (PointInTime,), {"closed": []})
    found = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def test_hits_that_an_error_left_in_a_cycle_are_closed_by_the_garbage_collector(server):
    def leave() -> None:
        client = Elasticsearch(f"http://127.0.0.1:{server.server_port}")
        hits = every_hit(client, "faces", {"match_all": {}}, size=2)
        assert next(hits)["_id"] == "0"
        cycle: list = [hits, client]
        cycle.append(cycle)

    leave()
    collecting = threading.Thread(target=gc.collect, daemon=True)
    collecting.start()
    collecting.join(30)
    assert not collecting.is_alive()
    assert server.RequestHandlerClass.closed == ["/_pit"]
