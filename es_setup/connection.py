"""Addresses and credentials of Elasticsearch, the service and Kibana; clients for the first two."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from elastic_transport import ObjectApiResponse
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from es_setup.failures import PRODUCT, reason, told_by
from es_setup.thresholds import from_meta
from ingest_service.errors import UserError
from ingest_service.verdicts import Thresholds, of_model

REQUEST_TIMEOUT = 120
"""In seconds. A bulk takes as long as the faces of all its photos."""
RETRYABLE = (429, 503)
"""Statuses of the service after which a later try may succeed."""


class ConnectionFailed(UserError):
    """A server can't be reached or refuses us; the message names it and says what to do."""


class ServiceRefused(ConnectionFailed):
    """The inference service refused a request.

    Attributes:
        status: the HTTP status.
        retry_after: seconds until the next try; None where trying again is useless.
    """

    def __init__(self, message: str, status: int, retry_after: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


log = logging.getLogger("ingest_face.requests")
"""Logs each request to the service and to Kibana as Elasticsearch's client logs its own, without bodies."""


def log_request(response: requests.Response) -> None:
    seconds = response.elapsed.total_seconds()
    url = without_password(str(response.request.url))
    log.info("%s %s [status:%d duration:%.3fs]", response.request.method, url, response.status_code, seconds)


def with_port(url: str) -> str:
    """The address with a port, which elasticsearch-py requires; by default 443 for https (Elastic Cloud), and
    9200 for http.

    Raises:
        ConnectionFailed: ``url`` isn't an address.
    """
    try:
        parts = urlsplit(url)
        known = parts.port
    except ValueError:
        parts, known = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionFailed(not_an_address("ES_URL", url, "http://127.0.0.1:9200"))
    port = "" if known else ":443" if parts.scheme == "https" else ":9200"
    return f"{parts.scheme}://{parts.netloc}{port}{parts.path}"


def without_password(url: str) -> str:
    """The address with ``***`` for a ``user:password``, for printing. An unquoted character of a password may
    look like the end of the host, so everything up to the last @ is replaced."""
    return re.sub(r"(?s)^(.*?//)?.*@", lambda found: f"{found[1] or ''}***@", url)


def not_an_address(variable: str, url: str, example: str) -> str:
    """What is wrong with the value of ``variable``, such as ``ES_URL``."""
    return f"{variable} isn't an address, [{without_password(url)}]: set one such as {example}"


class CheckedElasticsearch(Elasticsearch):
    """A client that takes no answer of another server or a proxy for one of Elasticsearch, whatever its
    status. Elasticsearch's own client checks the good ones alone."""

    def perform_request(self, *arguments: Any, **options: Any) -> ObjectApiResponse[Any]:
        answer = super().perform_request(*arguments, **options)
        if answer.meta.headers.get(PRODUCT) != "Elasticsearch":
            raise UnsupportedProductError("not Elasticsearch", meta=answer.meta, body=answer.body)
        return cast("ObjectApiResponse[Any]", answer)


@dataclass(frozen=True)
class Connection:
    """Addresses and credentials, from options or from the environment variables of the same names."""

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
        """A client for ``es_url``; an API key takes precedence over user and password.

        Raises:
            ConnectionFailed: ``es_url`` isn't an address, or ``es_api_key`` can't be a key.
        """
        if self.es_api_key and not (self.es_api_key.isascii() and self.es_api_key.isprintable()):
            raise ConnectionFailed(
                "ES_API_KEY has a character that no key has, such as a line break: set it again"
            )
        basic = None
        if self.es_user and not self.es_api_key:
            # Encoded here: the client takes only ASCII, and Elasticsearch reads UTF-8.
            basic = base64.b64encode(f"{self.es_user}:{self.es_password or ''}".encode()).decode("ascii")
        trust: dict[str, Any] = {"ca_certs": str(self.es_ca_certs)} if self.es_ca_certs else {}
        return CheckedElasticsearch(
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
    """The model that the service serves. Vectors have ``dims`` numbers; only those of one ``id`` compare.

    thresholds: for an index that isn't calibrated.
    runtime, precision: of its networks, such as ``openvino`` and ``bf16``; None if an older service doesn't
        say.
    """

    id: str
    dims: int
    thresholds: Thresholds
    runtime: str | None = None
    precision: str | None = None


@dataclass(frozen=True)
class Service:
    """The inference service, through its HTTP contract."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    certificate_authority: Path | None = None
    """A PEM file, for a certificate that this machine doesn't trust already."""

    def model(self) -> ServedModel:
        """The model of ``/readyz``.

        Raises:
            ConnectionFailed: the service can't be reached, or isn't ready.
        """
        answer = self._call("GET", "/readyz", timeout=5)
        model = answer["model"]
        name = str(model["id"])
        # A service of an earlier release doesn't say them.
        pair = from_meta(answer["thresholds"]) if "thresholds" in answer else of_model(name)
        return ServedModel(name, int(model["dims"]), pair, answer.get("runtime"), model.get("precision"))

    def profiles(self) -> list[str]:
        """The profiles that the service offers, of which it serves one.

        Raises:
            ConnectionFailed: as `model`, or it doesn't say them without a key.
        """
        return [str(model["name"]) for model in self._call("GET", "/v1/models", timeout=5)["models"]]

    def check(self, photo: bytes, timeout: float) -> None:
        """Lets the service look at one photo. What it finds there doesn't matter.

        Args:
            timeout: in seconds.

        Raises:
            ServiceRefused: the service is busy, or refuses this key.
            ConnectionFailed: the service can't be reached, or doesn't answer in time.
        """
        image = base64.b64encode(photo).decode("ascii")
        self.ask([{"image": image}], {"priority": "search", "return": []}, timeout)

    def faces(self, photo: bytes, model: str | None = None) -> list[dict[str, Any]]:
        """The faces of one photo, largest first, without vectors; none if the photo can't be read.

        Args:
            model: that must find them; default: the served one.

        Raises:
            ConnectionFailed: the service can't be reached, or refuses the request.
        """
        wanted = {"model": model} if model else {}
        result = self._result(photo, {"priority": "search", "return": []} | wanted)
        found: list[dict[str, Any]] = result.get("faces", [])
        return found

    def largest_face(self, photo: bytes, model: str) -> dict[str, Any]:
        """The result of one photo: ``{"faces": [face]}`` with its largest face and that one's vector by
        ``model``, ``{"faces": []}`` without a face, ``{"error": {"code", "message"}}`` if it can't be read.

        Raises:
            ServiceRefused: the service is busy, or serves another model.
            ConnectionFailed: the service can't be reached.
        """
        return self._result(photo, {"model": model, "return": ["vector"]}, {"max_faces": 1})

    def everything(self, photo: bytes, model: str | None = None, interactive: bool = False) -> dict[str, Any]:
        """All that a document keeps of a photo: ``faces``, largest first, with vectors and crops, ``photo``,
        ``file``, ``thumbnail``; or ``error`` with ``code`` and ``message`` if it can't be read. And ``model``
        with ``id``, ``digest`` and ``precision``.

        Args:
            model: that must find them; default: the served one.
            interactive: a person waits for the answer.

        Raises:
            ServiceRefused: the service is busy, or serves another model.
            ConnectionFailed: the service can't be reached.
        """
        wanted = {"model": model} if model else {}
        answer = self._answer_to(photo, {"priority": "search" if interactive else "ingest"} | wanted)
        return {"model": answer["model"], **answer["results"][0]}

    def faces_at(
        self, photo: bytes, boxes: list[dict[str, int]], model: str, in_bulk: bool = False
    ) -> dict[str, Any]:
        """The result of one photo, with all that a document gets of it. Its last faces, with ``drawn``, are
        those in the boxes that a person drew, but for the boxes of faces that are found anyway.

        Args:
            boxes: ``x``, ``y``, ``width`` and ``height`` in pixels of the upright photo.
            in_bulk: nobody waits for this one, and only vectors are wanted.

        Raises: as `largest_face`.
        """
        how = {"priority": "ingest", "return": ["vector"]} if in_bulk else {"priority": "search"}
        return self._result(photo, how | {"model": model}, {"boxes": boxes})

    def _result(
        self, photo: bytes, request: dict[str, Any], options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = self._answer_to(photo, request, options)["results"][0]
        return result

    def _answer_to(
        self, photo: bytes, request: dict[str, Any], options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the service answers to a request with one photo."""
        image = base64.b64encode(photo).decode("ascii")
        return self.ask([{"image": image, "options": options or {}}], request)

    def ask(
        self, images: list[dict[str, Any]], request: dict[str, Any], timeout: float = REQUEST_TIMEOUT
    ) -> dict[str, Any]:
        """The whole answer to several photos, ``image`` in base64 and ``options`` each.

        Raises: as `everything`.
        """
        return self._call("POST", "/v1/faces", timeout=timeout, body={**request, "images": images})

    def _call(
        self, method: str, path: str, timeout: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        verify = str(self.certificate_authority) if self.certificate_authority else True
        address = without_password(self.url)
        try:
            response = requests.request(
                method, self.url + path, json=body, headers=headers, timeout=timeout, verify=verify
            )
        except (
            requests.exceptions.InvalidSchema,
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
        ):
            problem = not_an_address("FACES_URL", self.url, "http://127.0.0.1:8501")
            raise ConnectionFailed(problem) from None
        except requests.RequestException as error:
            raise ConnectionFailed(
                f"no inference service at {address} ({reason(error)}): start it, or set FACES_URL"
            ) from None
        except OSError as error:  # `requests` raises this if the file isn't there.
            raise ConnectionFailed(f"FACES_CA_CERTS: {error}") from None
        except ValueError:  # Its message contains the key.
            raise ConnectionFailed(
                "FACES_API_KEY has a character that no key has, such as a line break: set it again"
            ) from None
        log_request(response)
        answer = _answer(response)
        if answer is None:
            raise ConnectionFailed(
                f"what answers at {address} (status {response.status_code}) isn't the inference service: set "
                "FACES_URL to its address"
            )
        if not response.ok:
            message = answer.get("error", {}).get("message", f"status {response.status_code}")
            raise ServiceRefused(
                f"the inference service at {address} refused: {message}",
                response.status_code,
                _seconds(response.headers.get("Retry-After")) if response.status_code in RETRYABLE else None,
            )
        return answer


def _answer(response: requests.Response) -> dict[str, Any] | None:
    """The answer's JSON; None if it isn't an answer of the service."""
    try:
        answer = response.json()
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    error = answer.get("error")
    ours = answer.keys() & {"model", "models"} or (isinstance(error, dict) and "code" in error)
    return answer if ours else None


def _seconds(header: str | None) -> float:
    """The seconds of ``Retry-After``; 1 if the header is a date or absent."""
    return float(header) if header and header.isdecimal() else 1.0


def innermost_reason(error: ApiError) -> str:
    """Elasticsearch's most specific reason for an error, or the status if the answer has no reason."""
    body: Any = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        root = (body["error"].get("root_cause") or [body["error"]])[0]
        if found := told_by(body["error"]):
            index = root.get("index")  # which some reasons lack, such as `closed`
            return found if index is None or index in found else f"[{index}]: {found}"
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        return str(body["error"])
    return f"status {error.status_code} without a reason: is that Elasticsearch?"
