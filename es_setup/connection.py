"""Where Elasticsearch, the inference service and Kibana are, and how to get in."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from elasticsearch import Elasticsearch

from ingest_service.errors import UserError

REQUEST_TIMEOUT = 120
"""Seconds for one request: a bulk waits for the faces of all its photos."""
BUSY = (429, 503)
"""What the service answers when asking again later may help."""


class ConnectionFailed(UserError):
    """A server can't be reached or doesn't let us in; the message names it and says what to do."""


class ServiceRefused(ConnectionFailed):
    """The inference service answered, and not with what was asked for.

    Attributes:
        status: HTTP's.
        retry_after: seconds after which it may be asked again; None where that is useless.
    """

    def __init__(self, message: str, status: int, retry_after: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


log = logging.getLogger("ingest_face.requests")
"""A line for each request to the service and to Kibana, in the form of Elasticsearch's client: no body."""


def log_request(response: requests.Response) -> None:
    seconds = response.elapsed.total_seconds()
    url = without_password(str(response.request.url))
    log.info("%s %s [status:%d duration:%.3fs]", response.request.method, url, response.status_code, seconds)


def with_port(url: str) -> str:
    """The address of a cluster with its port, which elasticsearch-py wants: where none is given, people mean
    Elastic Cloud's (https) or Elasticsearch's own (http).

    Raises:
        ConnectionFailed: it isn't an address.
    """
    parts = urlsplit(url)
    try:
        known = parts.port
    except ValueError:
        parts, known = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionFailed("ES_URL isn't an address: it must be like http://127.0.0.1:9200")
    port = "" if known else ":443" if parts.scheme == "https" else ":9200"
    return f"{parts.scheme}://{parts.netloc}{port}{parts.path}"


def without_password(url: str) -> str:
    """An address to print: with ``***`` for the ``user:password`` that it may have. What isn't quoted in a
    password may end the host's part early, so everything up to the last @ counts."""
    return re.sub(r"(?s)//.*@", "//***@", url)


@dataclass(frozen=True)
class Connection:
    """Addresses and keys, from options or from the environment variables of the same names."""

    es_url: str = "http://127.0.0.1:9200"
    faces_url: str = "http://127.0.0.1:8501"
    es_api_key: str | None = field(default=None, repr=False)
    es_user: str | None = None
    es_password: str | None = field(default=None, repr=False)
    es_ca_certs: Path | None = None
    faces_api_key: str | None = field(default=None, repr=False)
    faces_ca_certs: Path | None = None
    kibana_url: str = "http://127.0.0.1:5601"
    kibana_api_key: str | None = field(default=None, repr=False)
    kibana_user: str | None = None
    kibana_password: str | None = field(default=None, repr=False)
    kibana_ca_certs: Path | None = None

    def elasticsearch(self) -> Elasticsearch:
        """A client for ``es_url``; an API key wins over user and password.

        Raises:
            ConnectionFailed: ``es_url`` isn't an address, or ``es_api_key`` no key.
        """
        if self.es_api_key and not (self.es_api_key.isascii() and self.es_api_key.isprintable()):
            raise ConnectionFailed(
                "ES_API_KEY has a character that no key has, such as a line's end: set it anew"
            )
        basic = None
        if self.es_user and not self.es_api_key:
            # By hand: the client takes nothing but ASCII, and Elasticsearch reads UTF-8.
            basic = base64.b64encode(f"{self.es_user}:{self.es_password or ''}".encode()).decode("ascii")
        trust: dict[str, Any] = {"ca_certs": str(self.es_ca_certs)} if self.es_ca_certs else {}
        return Elasticsearch(
            with_port(self.es_url),
            api_key=self.es_api_key,
            basic_auth=basic,
            request_timeout=REQUEST_TIMEOUT,
            **trust,
        )

    def service(self) -> Service:
        return Service(self.faces_url.rstrip("/"), self.faces_api_key, self.faces_ca_certs)


@dataclass(frozen=True)
class ServedModel:
    """The model that the service serves: vectors of ``dims`` numbers, comparable within one ``id``."""

    id: str
    dims: int


@dataclass(frozen=True)
class Service:
    """The inference service, through its HTTP contract."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    certificate_authority: Path | None = None
    """A PEM file, for a certificate that this machine doesn't trust by itself."""

    def model(self) -> ServedModel:
        """What it serves, by ``/readyz``.

        Raises:
            ConnectionFailed: it can't be reached, or isn't ready.
        """
        model = self._call("GET", "/readyz", timeout=5)["model"]
        return ServedModel(str(model["id"]), int(model["dims"]))

    def faces(self, photo: bytes) -> list[dict[str, Any]]:
        """The faces of one photo, largest first, without their vectors; none if it can't be read.

        Raises:
            ConnectionFailed: it can't be reached, or refuses the request.
        """
        found: list[dict[str, Any]] = self._of_photo(photo, {"priority": "search", "return": []}).get(
            "faces", []
        )
        return found

    def largest_face(self, photo: bytes, model: str) -> dict[str, Any]:
        """One photo's result, its largest face with the vector by ``model``: ``{"faces": [face]}``, without a
        face ``{"faces": []}``, or ``{"error": {"code", "message"}}`` if it can't be read.

        Raises:
            ServiceRefused: it is busy, or serves another model.
            ConnectionFailed: it can't be reached.
        """
        return self._of_photo(photo, {"model": model, "return": ["vector"]}, {"max_faces": 1})

    def _of_photo(
        self, photo: bytes, wishes: dict[str, Any], options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The one result of one photo."""
        images = [{"image": base64.b64encode(photo).decode("ascii"), "options": options or {}}]
        answer = self._call("POST", "/v1/faces", timeout=REQUEST_TIMEOUT, body=wishes | {"images": images})
        result: dict[str, Any] = answer["results"][0]
        return result

    def _call(
        self, method: str, path: str, timeout: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        verify = str(self.certificate_authority) if self.certificate_authority else True
        try:
            response = requests.request(
                method, self.url + path, json=body, headers=headers, timeout=timeout, verify=verify
            )
            log_request(response)
            answer: dict[str, Any] = response.json()
        except (requests.RequestException, ValueError) as error:
            reason = type(error).__name__
            raise ConnectionFailed(
                f"no inference service at {without_password(self.url)} ({reason}): start it, or set FACES_URL"
            ) from None
        if not response.ok:
            message = answer.get("error", {}).get("message", f"status {response.status_code}")
            raise ServiceRefused(
                f"the inference service at {without_password(self.url)} refused: {message}",
                response.status_code,
                _seconds(response.headers.get("Retry-After")) if response.status_code in BUSY else None,
            )
        return answer


def _seconds(header: str | None) -> float:
    """Of ``Retry-After``; 1 where it names a date or nothing."""
    return float(header) if header and header.isdecimal() else 1.0
