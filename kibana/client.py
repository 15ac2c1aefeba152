"""The part of Kibana's HTTP API that the import of the boards needs, with errors that say what to do.

Six endpoints, and two more for the alert rule; ``docs/kibana.md`` says why there is no library in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from es_setup.connection import Connection
from ingest_service.errors import UserError

SavedObject = dict[str, Any]
Key = tuple[str, str]
"""(type, id) of a saved object."""

DEFAULT_SPACE = "default"
OLDEST = (8, 19)
STATUS_TIMEOUT = 10
TIMEOUT = 120
"""Seconds for one request: an import waits until what it wrote can be found."""
PAUSE = 1
"""Seconds between two questions whether Kibana has started."""

HOW_TO_GET_IN = (
    "set KIBANA_API_KEY, or KIBANA_USER and KIBANA_PASSWORD (without them ES_API_KEY, or ES_USER and "
    "ES_PASSWORD serve)"
)


class KibanaError(UserError):
    """Kibana can't be reached or doesn't do what it was asked to; the message says what to do."""


class StillStarting(KibanaError):
    """Kibana isn't there yet, and may be in a moment."""


class Refused(KibanaError):
    """Kibana answered with an error: its ``status``, and the answer's ``body``."""

    def __init__(self, message: str, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Export:
    """What an export holds: its objects, and the references of theirs that lead nowhere."""

    objects: list[SavedObject]
    missing: list[Key]


@dataclass(frozen=True)
class Kibana:
    """One space of one Kibana."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_certs: Path | None = None
    space: str = DEFAULT_SPACE

    def wait_until_available(
        self, limit: float = 0, say: Callable[[str], None] = lambda _: None
    ) -> str | None:
        """Waits until Kibana serves requests.

        Args:
            limit: in seconds; 0 asks once.
            say: is told what is waited for, whenever that changes.

        Returns:
            Kibana's version; None if it tells it only to those who have logged in, and we have not.

        Raises:
            StillStarting: Kibana isn't there, or is still starting, at the end of ``limit``.
            KibanaError: what answers isn't Kibana, or too old a one, or doesn't let us in.
        """
        deadline = time.monotonic() + limit
        said = ""
        while True:
            try:
                return self._version()
            except StillStarting as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    waited = f" (waited {limit:g} s for it)" if limit else ""
                    raise StillStarting(f"{error}{waited}") from None
                if said != str(error):
                    said = str(error)
                    say(f"waiting at most {limit:g} s: {said}")
                time.sleep(min(PAUSE, left))

    def require_space(self) -> None:
        """
        Raises:
            KibanaError: there is no such space. Kibana itself would write into it all the same.
        """
        try:
            self._call("GET", f"/api/spaces/space/{quote(self.space, safe='')}")
        except Refused as error:
            if error.status != 404:
                raise
            raise KibanaError(
                f"Kibana has no space [{self.space}]: make it in Stack Management > Spaces, or give another "
                "--space (its identifier, as in its address: /s/IDENTIFIER/)"
            ) from None

    def import_objects(self, objects: Iterable[SavedObject]) -> dict[str, Any]:
        """Kibana's answer to an import that overwrites nothing: ``successResults`` and ``errors``."""
        return self._send_file("_import", objects, {})

    def resolve_import_errors(
        self, objects: Iterable[SavedObject], retries: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """As ``import_objects``, for those of ``objects`` that ``retries`` name: ``type``, ``id`` and, as
        wanted, ``overwrite``, ``destinationId``."""
        return self._send_file("_resolve_import_errors", objects, {"retries": json.dumps(retries)})

    def export(self, keys: Iterable[Key], deep: bool = False) -> Export:
        """The objects of these keys, without those that aren't there.

        Args:
            deep: with all that they refer to.
        """
        wanted = list(keys)
        if not wanted:
            return Export([], [])
        body = {
            "objects": [{"type": kind, "id": name} for kind, name in wanted],
            "includeReferencesDeep": deep,
        }
        try:
            return self._export(body)
        except Refused as error:
            unreadable = error.body.get("attributes", {}).get("objects", [])
            absent = {(item["type"], item["id"]) for item in unreadable if _is_missing(item)}
            if not absent or len(absent) < len(unreadable):
                raise
            return self.export([key for key in wanted if key not in absent], deep)

    def export_types(self, types: Iterable[str]) -> Export:
        """All objects of these types in the space."""
        return self._export({"type": sorted(types)})

    def data_views(self) -> dict[str, str]:
        """The index, alias or pattern of each data view, by the data view's id."""
        answer = self._call("GET", self._in_space("/api/data_views"))
        return {view["id"]: view["title"] for view in answer["data_view"]}

    def put_if_absent(
        self, path: str, body: Mapping[str, Any], update: Mapping[str, Any] | None = None
    ) -> bool:
        """POSTs ``body`` to ``path`` of the space, which ends in an id.

        Args:
            update: what to PUT if the id is in use; None leaves what is there.

        Returns:
            Whether it was absent.
        """
        try:
            self._call("POST", self._in_space(path), json=body)
        except Refused as error:
            if error.status != 409:
                raise
            if update is not None:
                self._call("PUT", self._in_space(path), json=update)
            return False
        return True

    def _version(self) -> str | None:
        try:
            status = self._call("GET", "/api/status", timeout=STATUS_TIMEOUT)
        except Refused as error:
            if error.status in (502, 503, 504):
                raise StillStarting(f"Kibana at {self.url} is still starting{_which(error.body)}") from None
            if error.status == 404:
                raise KibanaError(
                    f"there is no Kibana at {self.url}: if it has a base path (server.basePath), KIBANA_URL "
                    "must end in it"
                ) from None
            raise
        if "status" not in status:
            raise KibanaError(f"what answers at {self.url} isn't Kibana: set KIBANA_URL to Kibana's address")
        version: str | None = status.get("version", {}).get("number")
        if version and tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise KibanaError(
                f"Kibana at {self.url} is {version}: the boards are written for 8.19, and an older Kibana "
                "refuses what is newer than itself. Nothing was changed"
            )
        return version

    def _send_file(
        self, endpoint: str, objects: Iterable[SavedObject], form: Mapping[str, str]
    ) -> dict[str, Any]:
        # Where Kibana has to change an id, compatibilityMode lets links with the old one find the copy.
        path = self._in_space(f"/api/saved_objects/{endpoint}?compatibilityMode=true")
        file = ("saved_objects.ndjson", ndjson(objects).encode(), "application/x-ndjson")
        try:
            answer: dict[str, Any] = self._call("POST", path, files={"file": file}, data=form)
        except Refused as error:
            if error.status == 422:
                # Retries are written in two batches, what is replaced first.
                written = "nothing was imported" if endpoint == "_import" else "nothing was added"
                raise KibanaError(
                    f"this Kibana is older than the boards, and refuses them; {written}. They need 8.19 or "
                    f"newer. Kibana says: {_message(error.body)}"
                ) from None
            raise
        return answer

    def _export(self, body: Mapping[str, Any]) -> Export:
        lines = self._call("POST", self._in_space("/api/saved_objects/_export"), json=body, lines=True)
        objects = [line for line in lines if "exportedCount" not in line]
        missing = [ref for line in lines if "exportedCount" in line for ref in line["missingReferences"]]
        return Export(objects, [(ref["type"], ref["id"]) for ref in missing])

    def _in_space(self, path: str) -> str:
        return path if self.space == DEFAULT_SPACE else f"/s/{quote(self.space, safe='')}{path}"

    def _call(
        self, method: str, path: str, timeout: float = TIMEOUT, lines: bool = False, **request: Any
    ) -> Any:
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
        except OSError as error:  # what requests makes of a file that isn't there
            raise KibanaError(f"KIBANA_CA_CERTS: {error}") from None
        except ValueError:  # whose message has the key
            raise KibanaError(
                "the key for Kibana has a character that no key has, such as a line's end: set "
                "KIBANA_API_KEY anew (without it ES_API_KEY serves)"
            ) from None
        self._require_kibana(response)
        if not response.ok:
            raise self._refusal(response, f"{method} {path}")
        try:
            # Kibana names no charset, and requests would guess one.
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
        # As bytes: of text requests makes Latin-1, and Kibana reads UTF-8.
        return HTTPBasicAuth(self.user.encode(), (self.password or "").encode())

    def _unreachable(
        self, error: requests.RequestException, method: str, path: str, timeout: float
    ) -> KibanaError:
        if isinstance(error, requests.exceptions.SSLError):
            return KibanaError(
                f"Kibana's certificate at {self.url} isn't trusted: set KIBANA_CA_CERTS to a PEM file with "
                f"the authority that signed it ({error})"
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return KibanaError("KIBANA_URL isn't an address: it must be like http://127.0.0.1:5601")
        if method != "GET" and not isinstance(error, requests.exceptions.ConnectTimeout):
            return KibanaError(
                f"Kibana at {self.url} went away during {method} {path} ({type(error).__name__}): whether it "
                "was done isn't known; run this again, which completes it"
            )
        if isinstance(error, requests.Timeout):
            return StillStarting(f"Kibana at {self.url} doesn't answer within {timeout:g} s")
        return StillStarting(
            f"no Kibana at {self.url} ({type(error).__name__}): start it, or set KIBANA_URL, with https "
            "where Kibana has a certificate"
        )

    def _require_kibana(self, response: requests.Response) -> None:
        """
        Raises:
            KibanaError: this is an answer of something else.
        """
        if response.is_redirect:
            raise KibanaError(
                f"{self.url} leads on to {response.headers['location']}: set KIBANA_URL to Kibana's address"
            )
        if (
            response.headers.get("x-elastic-product") == "Elasticsearch"
            and "kbn-name" not in response.headers
        ):
            raise KibanaError(f"{self.url} is Elasticsearch, not Kibana: set KIBANA_URL to Kibana's address")
        if response.ok and "html" in response.headers.get("content-type", ""):
            raise KibanaError(f"{self.url} is a web page, not Kibana: set KIBANA_URL to Kibana's address")

    def _refusal(self, response: requests.Response, what: str) -> Refused:
        status = response.status_code
        try:
            body = response.json()
        except ValueError:
            body = {"message": response.text[:200]}
        body = body if isinstance(body, dict) else {}
        if status == 401:
            return Refused(f"Kibana doesn't let us in (401): {HOW_TO_GET_IN}", status, body)
        said = _message(body)
        if status == 403:
            return Refused(
                f"Kibana forbids it (403, {said}): this key or user needs the privilege All on Dashboard, "
                f"Discover, Data View, Tag and Saved Objects Management in the space [{self.space}], and on "
                "Stack Rules and Actions and Connectors for --alert",
                status,
                body,
            )
        return Refused(f"Kibana refused {what} ({status}): {said}", status, body)


def connect(connection: Connection, space: str = DEFAULT_SPACE) -> Kibana:
    """Kibana as ``connection`` says. Elasticsearch's keys open it too, and serve if it has none of its own.

    Raises:
        KibanaError: ``kibana_url`` isn't an address, or has a user or password in it.
    """
    own = bool(connection.kibana_api_key or connection.kibana_user)
    url = connection.kibana_url.rstrip("/")
    if "@" in url:
        raise KibanaError(
            "KIBANA_URL must be the address alone, without user and password before an @: those go into "
            "KIBANA_USER and KIBANA_PASSWORD"
        )
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise KibanaError("KIBANA_URL isn't an address: it must be like http://127.0.0.1:5601")
    return Kibana(
        url,
        api_key=connection.kibana_api_key if own else connection.es_api_key,
        user=connection.kibana_user if own else connection.es_user,
        password=connection.kibana_password if own else connection.es_password,
        ca_certs=connection.kibana_ca_certs or connection.es_ca_certs,
        space=space,
    )


def ndjson(objects: Iterable[SavedObject]) -> str:
    """One object a line, keys in order, as Kibana's own export writes them."""
    return "".join(
        json.dumps(one, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n" for one in objects
    )


def parsed(text: str) -> list[SavedObject]:
    """The reverse of ``ndjson``. Only a newline ends a line: a text may hold what Python also takes for one.

    Raises:
        ValueError: a line isn't JSON.
    """
    return [json.loads(line) for line in text.split("\n") if line.strip()]


class _ApiKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"ApiKey {self._key}"
        return request


def _is_missing(item: Mapping[str, Any]) -> bool:
    return bool(item.get("error", {}).get("statusCode") == 404)


def _message(body: Mapping[str, Any]) -> str:
    return str(body.get("message") or body.get("error") or "no message")


def _which(status: Mapping[str, Any]) -> str:
    """What of Kibana isn't available yet, if it says so."""
    summary = (status.get("status") or {}).get("overall", {}).get("summary")
    return f" ({summary})" if summary else ""
