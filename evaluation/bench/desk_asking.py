"""From sending a photo to the desk's page about it, beside the service's answer and the searches alone.

Both take turns, over connections that stay open, so that what else the machine does is in both.
"""

from __future__ import annotations

import base64
import html
import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from es_setup.shipped_files import ARCHIVE, GALLERY, PROBES
from evaluation.bench.rounds import JSON, seconds, spread
from faces.desk.asking import BEST
from faces.identifying.identifier import Identifier, Lookup
from faces.searchable import searchable
from faces.searching import FaceQuery, search

MOST_RATIO = 1.5
WARM_UPS = 5
BOUNDARY = "a-boundary-that-no-photo-has"


class DeskClient:
    """A browser's requests, over one connection, without drawing anything."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._cookie = ""
        self._token = ""

    def open(self) -> None:
        """The page to drop a photo on: its cookie and its token go with what is sent next."""
        answer, page = self._send("GET", "/")
        self._cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        if found is None:
            raise RuntimeError(f"the desk's first page has no form: status {answer.status}")
        self._token = html.unescape(found[1])

    def ask(self, photo: bytes) -> str:
        """The page about a photo."""
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{self._token}\r\n'.encode(),
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode(),
            photo,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        ]
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        answer, _ = self._send("POST", "/ask", b"".join(parts), kind)
        if answer.status != 303:
            raise RuntimeError(f"the desk refuses the photo: status {answer.status}")
        answer, page = self._send("GET", answer.getheader("Location") or "/")
        if answer.status != 200 or "<rect" not in page or 'class="verdict' not in page:
            raise RuntimeError(f"the desk's page lacks boxes or matches: status {answer.status}")
        return page

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        own = {"Cookie": self._cookie} if self._cookie else {}
        self._connection.request(method, path, body, own | (headers or {}))
        answer = self._connection.getresponse()
        return answer, answer.read().decode()


@dataclass(frozen=True)
class Alone:
    """The service's answer about a photo, and the searches that it leads to: the gallery's people, and the
    most similar faces of archive and probes. What is known about the indices is read beforehand."""

    connection: http.client.HTTPConnection
    body: bytes
    look_up: Callable[[], Any]

    @classmethod
    def of(cls, connection: Connection, es: Elasticsearch, photo: bytes, model: str) -> Alone:
        image = {"image": base64.b64encode(photo).decode("ascii")}
        body = json.dumps({"model": model, "priority": "search", "images": [image]}).encode()
        service = http.client.HTTPConnection(urlsplit(connection.faces_url).netloc, timeout=60)
        faces = _answer(service, body)["results"][0]["faces"]
        vectors = [face["vector"] for face in faces]
        identifier = Identifier(es, Lookup(GALLERY), model)
        where = searchable(es, f"{ARCHIVE},{PROBES}")
        query = FaceQuery(None, k=BEST, vector=tuple(vectors[0]))

        def look_up() -> None:
            identifier.candidates(vectors)
            search(es, query, where)

        return cls(service, body, look_up)

    def run(self) -> None:
        _answer(self.connection, self.body)
        self.look_up()


def asking(
    connection: Connection, es: Elasticsearch, desk: str, photos: dict[str, bytes], model: str, rounds: int
) -> dict[str, Any]:
    """Seconds of the page, of the service and the searches, and the ratio of the two in each round."""
    client = DeskClient(desk)
    client.open()
    found: dict[str, Any] = {}
    for name, photo in photos.items():
        alone = Alone.of(connection, es, photo, model)
        for _ in range(WARM_UPS):
            client.ask(photo)
            alone.run()
        pages, yardsticks, services = [], [], []
        for _ in range(rounds):
            pages.append(seconds(lambda photo=photo: client.ask(photo)))  # type: ignore[misc]
            yardsticks.append(seconds(alone.run))
            services.append(seconds(lambda alone=alone: _answer(alone.connection, alone.body)))  # type: ignore[misc]
        found[name] = {
            "page_s": spread(pages),
            "service_and_searches_s": spread(yardsticks),
            "service_s": spread(services),
            "ratio": spread([page / own for page, own in zip(pages, yardsticks, strict=True)]),
        }
    return found


def _answer(service: http.client.HTTPConnection, body: bytes) -> dict[str, Any]:
    service.request("POST", "/v1/faces", body, JSON)
    answer = service.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    if answer.status != 200 or "error" in found["results"][0]:
        raise RuntimeError(f"the service refuses the photo: status {answer.status}")
    return found
