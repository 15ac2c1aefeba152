"""A fake inference service that answers at once, or wrongly where a test asks for that."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

import es_setup

PIPELINE = json.loads((Path(es_setup.__file__).parent / "pipelines" / "faces.json").read_text())
MODEL = {
    "id": PIPELINE["processors"][0]["face"]["model"],
    "digest": "0fa4e000" * 8,
    "dims": 128,
    "precision": "fp32",
}
"""The model that the pipelines ask for."""
LATE = 6
"""Seconds until a slow answer."""
SLOW_PHOTO = b"a photo that takes long"
"""A request with it is answered slowly, whatever the behaviour."""


class FakeService:
    """Serves ``POST /v1/faces`` on loopback, with one face for each photo and a vector made from the photo's
    bytes, and ``GET /readyz``, which is always ready.

    Attributes:
        behaviour: a key of ``BEHAVIOURS``: how the next requests are answered.
        location: the base URL that a redirect names.
        batches: the number of photos in each request so far.
        keys: every ``Authorization`` header so far.
    """

    def __init__(self) -> None:
        self.behaviour = "good"
        self.location = ""
        self.batches: list[int] = []
        self.keys: set[str | None] = set()
        self.stopping = threading.Event()
        self._address = ("127.0.0.1", 0)
        self._server: _Server | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._address[1]}"

    def start(self) -> None:
        """Starts the server; if it ran before, at the same address."""
        self.stopping.clear()
        self._server = _Server(self._address, self)
        self._address = self._server.server_address[:2]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        """Stops like a process that dies: connections break, and the port is closed."""
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], service: FakeService) -> None:
        self.service = service
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side has closed it already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: tests have clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def do_GET(self) -> None:
        """`/readyz`."""
        self.answer(json.dumps({"status": "ready", "model": MODEL}).encode())

    def do_POST(self) -> None:
        service = self.server.service
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.batches.append(len(call["images"]))
        service.keys.add(self.headers["Authorization"])
        results = [face_of(photo["image"]) for photo in call["images"]]
        if face_of(base64.b64encode(SLOW_PHOTO).decode()) in results:
            service.stopping.wait(LATE)
        BEHAVIOURS[service.behaviour](self, results)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""

    def answer(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@cache
def face_of(photo: str) -> dict[str, Any]:
    """The result for a photo in base64; the same photo always gets the same result."""
    data = base64.b64decode(photo)
    digest = hashlib.sha256(data)
    random = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))
    vector = random.normal(size=MODEL["dims"])
    vector /= np.linalg.norm(vector)
    face = {
        "vector": [round(float(number), 8) for number in vector],
        "box": {"x": 60, "y": 40, "width": 90, "height": 120},
        "confidence": 0.98,
        "quality": {"score": 0.8, "interocular_distance": 44.0, "sharpness": 0.7, "frontality": 0.9},
    }
    file = {"size": len(data), "mime_type": "image/jpeg", "hash": {"sha256": digest.hexdigest()}}
    return {"faces": [face], "photo": {"width": 250, "height": 250}, "file": file}


Results = list[dict[str, Any]]


def _good(handler: _Handler, results: Results) -> None:
    handler.answer(json.dumps({"model": MODEL, "results": results}).encode())


def _slow(handler: _Handler, results: Results) -> None:
    handler.server.service.stopping.wait(LATE)
    _good(handler, results)


def _unhurried(handler: _Handler, results: Results) -> None:
    handler.server.service.stopping.wait(0.05)
    _good(handler, results)


def _garbage(handler: _Handler, results: Results) -> None:
    handler.answer(b"\x1f\x8b garbage, not JSON")


def _half_a_batch(handler: _Handler, results: Results) -> None:
    _good(handler, results[: len(results) // 2])


def _half_an_answer(handler: _Handler, results: Results) -> None:
    body = json.dumps({"model": MODEL, "results": results}).encode()
    handler.answer(body[: len(body) // 2], length=len(body))
    handler.close_connection = True


def _too_many_results(handler: _Handler, results: Results) -> None:
    _good(handler, [*results, *results])


def _endless(handler: _Handler, results: Results) -> None:
    """An endless body, as fast as the other side reads it."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    blank = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    while not handler.server.service.stopping.is_set():
        handler.wfile.write(blank)


def _another_model(handler: _Handler, results: Results) -> None:
    handler.answer(json.dumps({"model": {**MODEL, "id": "facenet-00000000"}, "results": results}).encode())


def _redirect(handler: _Handler, results: Results) -> None:
    handler.answer(b"{}", 307, Location=f"{handler.server.service.location}/v1/faces")


def _refusal(status: int, code: str, message: str, **headers: str) -> Callable[[_Handler, Results], None]:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return lambda handler, results: handler.answer(body, status, **headers)


def _wrong_length(handler: _Handler, results: Results) -> None:
    _good(handler, [{**result, "faces": list(_shortened(result["faces"]))} for result in results])


def _shortened(faces: Results) -> Iterator[dict[str, Any]]:
    for face in faces:
        yield {**face, "vector": face["vector"][:-1]}


BEHAVIOURS: dict[str, Callable[[_Handler, Results], None]] = {
    "good": _good,
    "slow": _slow,
    "unhurried": _unhurried,
    "garbage": _garbage,
    "half a batch": _half_a_batch,
    "half an answer": _half_an_answer,
    "too many results": _too_many_results,
    "endless": _endless,
    "another model": _another_model,
    "redirect": _redirect,
    "wrong model": _refusal(409, "model_mismatch", "model [a] was asked for, but [b] is served"),
    "wrong key": _refusal(401, "unauthorized", "the key is not one of this service's"),
    "busy": _refusal(503, "busy", "too many photos are waiting", Retry_After="1"),
    "wrong length": _wrong_length,
}
