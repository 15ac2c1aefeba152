"""Requests to Kibana's HTTP API, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from es_setup.connection import log_request, not_an_address
from es_setup.failures import reason
from ingest_service.errors import UserError
from kibana.saved_object import parsed

DEFAULT_SPACE = "default"
TIMEOUT = 120
"""Seconds for one request: an import waits until what it wrote can be searched."""

EXAMPLE = "http://127.0.0.1:5601"
SET_A_KEY = (
    "set KIBANA_API_KEY, or KIBANA_USER and KIBANA_PASSWORD (without them ES_API_KEY, or ES_USER and "
    "ES_PASSWORD are used)"
)


class KibanaError(UserError):
    """Kibana can't be reached, or doesn't do what it was asked to; the message says what to do."""


class StillStarting(KibanaError):
    """Kibana isn't available yet, and may be soon."""


class KibanaRefused(KibanaError):
    """Kibana answered with an error: its ``status``, and the answer's ``body``."""

    def __init__(self, message: str, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class KibanaServer:
    """Kibana's address, how to log in, and a space."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_certs: Path | None = None
    space: str = DEFAULT_SPACE

    def in_space(self, path: str) -> str:
        """The path of an API within the space."""
        return path if self.space == DEFAULT_SPACE else f"/s/{quote(self.space, safe='')}{path}"

    def call(
        self, method: str, path: str, timeout: float = TIMEOUT, lines: bool = False, **request: Any
    ) -> Any:
        """The answer's JSON.

        Args:
            lines: whether the answer is one JSON object per line.
            request: further arguments of ``requests.request``.

        Raises:
            KibanaRefused: Kibana answers with an error.
            StillStarting: nothing answers.
            KibanaError: something else is wrong; the message says what to do.
        """
        try:
            response = requests.request(
                method,
                self.url + path,
                headers={"kbn-xsrf": "true"},
                auth=self._auth(),
                verify=str(self.ca_certs) if self.ca_certs else True,
                timeout=timeout,
                allow_redirects=False,
                **request,
            )
        except requests.RequestException as error:
            raise self._unreachable(error, method, path, timeout) from None
        except OSError as error:  # `requests` raises this if the file isn't there.
            raise KibanaError(f"KIBANA_CA_CERTS: {error}") from None
        except ValueError:  # Its message contains the key.
            raise KibanaError(
                "the key for Kibana has a character that can't be sent, such as a line break: set "
                "KIBANA_API_KEY again (without it ES_API_KEY is used)"
            ) from None
        log_request(response)
        self._require_kibana(response)
        if not response.ok:
            raise _refusal(response, self.url, f"{method} {path}", self.space)
        try:
            # Kibana names no charset, and `requests` would guess one.
            return parsed(response.content.decode()) if lines else response.json()
        except ValueError:
            raise KibanaError(
                f"what answers {method} {path} at {self.url} isn't Kibana: set KIBANA_URL to Kibana's own "
                "address"
            ) from None

    def _auth(self) -> AuthBase | None:
        if self.api_key:
            return _ApiKey(self.api_key)
        if not self.user:
            return None
        # As bytes: `requests` would encode text as Latin-1, and Kibana reads UTF-8.
        return HTTPBasicAuth(self.user.encode(), (self.password or "").encode())

    def _unreachable(
        self, error: requests.RequestException, method: str, path: str, timeout: float
    ) -> KibanaError:
        if isinstance(error, requests.exceptions.SSLError):
            return KibanaError(
                f"no Kibana at {self.url} ({reason(error)}): set KIBANA_URL, or KIBANA_CA_CERTS to a PEM "
                "file with the authority that signed its certificate"
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return KibanaError(not_an_address("KIBANA_URL", self.url, EXAMPLE))
        if method != "GET" and not isinstance(error, requests.exceptions.ConnectTimeout):
            return KibanaError(
                f"the connection to Kibana at {self.url} broke during {method} {path} "
                f"({type(error).__name__}), which may or may not have been done: run this again, which "
                "completes it"
            )
        if isinstance(error, requests.Timeout):
            return StillStarting(f"Kibana at {self.url} doesn't answer within {timeout:g} s")
        return StillStarting(
            f"no Kibana at {self.url} ({reason(error)}): start it, or set KIBANA_URL (with https if Kibana "
            "has a certificate)"
        )

    def _require_kibana(self, response: requests.Response) -> None:
        """
        Raises:
            KibanaError: the answer isn't from Kibana.
        """
        if response.is_redirect:
            raise KibanaError(
                f"{self.url} redirects to {response.headers['location']}: set KIBANA_URL to Kibana's address"
            )
        product = response.headers.get("x-elastic-product")
        if product == "Elasticsearch" and "kbn-name" not in response.headers:
            raise KibanaError(f"{self.url} is Elasticsearch, not Kibana: set KIBANA_URL to Kibana's address")
        if response.ok and "html" in response.headers.get("content-type", ""):
            raise KibanaError(f"{self.url} is a web page, not Kibana: set KIBANA_URL to Kibana's address")


def error_message(body: Mapping[str, Any]) -> str:
    """What Kibana says in the body of an error."""
    return str(body.get("message") or body.get("error") or "no message")


def _refusal(response: requests.Response, url: str, what: str, space: str) -> KibanaRefused:
    status = response.status_code
    try:
        body = response.json()
    except ValueError:
        body = {"message": response.text[:200]}
    body = body if isinstance(body, dict) else {}
    if status == 401:
        return KibanaRefused(f"Kibana at {url} refuses the login (401): {SET_A_KEY}", status, body)
    said = error_message(body)
    if status == 403:
        return KibanaRefused(
            f"Kibana forbids {what} (403, {said}): the key or user needs the privilege All on Dashboard, "
            f"Discover, Data View, Tag and Saved Objects Management in the space [{space}], and for --alert "
            "on Stack Rules and Actions and Connectors",
            status,
            body,
        )
    return KibanaRefused(f"Kibana refused {what} ({status}): {said}", status, body)


class _ApiKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"ApiKey {self._key}"
        return request
