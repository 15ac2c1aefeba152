"""The part of Kibana's HTTP API that the import of the boards needs.

Six endpoints, and two more for the alert rule; ``docs/kibana.md`` says why no library is used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from es_setup.connection import Connection, not_an_address
from kibana.saved_object import Key, SavedObject, ndjson
from kibana.server import (
    DEFAULT_SPACE,
    EXAMPLE,
    KibanaError,
    KibanaRefused,
    KibanaServer,
    StillStarting,
    error_message,
)

OLDEST = (8, 19)
STATUS_TIMEOUT = 10
PAUSE = 1
"""Seconds between two checks whether Kibana has started."""


@dataclass(frozen=True)
class Export:
    """The exported objects, and those of their references that lead nowhere."""

    objects: list[SavedObject]
    missing: list[Key]


@dataclass(frozen=True)
class Kibana(KibanaServer):
    """What the import of the boards asks of a space of Kibana."""

    def wait_until_available(
        self, limit: float = 0, say: Callable[[str], None] = lambda _: None
    ) -> str | None:
        """Waits until Kibana serves requests.

        Args:
            limit: in seconds; 0 tries once.
            say: is called with the reason for waiting, whenever it changes.

        Returns:
            Kibana's version; None if Kibana tells it only after a login, and there is none.

        Raises:
            StillStarting: Kibana isn't available at the end of ``limit``.
            KibanaError: what answers isn't Kibana, is too old, or refuses the login.
        """
        deadline = time.monotonic() + limit
        said = ""
        while True:
            try:
                return self._version()
            except StillStarting as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    waited = f" (waited {limit:g} s)" if limit else ""
                    raise StillStarting(f"{error}{waited}") from None
                if said != str(error):
                    said = str(error)
                    say(f"waiting up to {limit:g} s: {said}")
                time.sleep(min(PAUSE, left))

    def require_space(self) -> None:
        """
        Raises:
            KibanaError: there is no such space. Kibana itself would write into it nevertheless.
        """
        try:
            self.call("GET", f"/api/spaces/space/{quote(self.space, safe='')}")
        except KibanaRefused as error:
            if error.status != 404:
                raise
            raise KibanaError(
                f"Kibana has no space [{self.space}]: create it in Stack Management > Spaces, or give "
                "another --space (the identifier in the space's address, /s/IDENTIFIER/)"
            ) from None

    def import_objects(self, objects: Iterable[SavedObject]) -> dict[str, Any]:
        """Kibana's answer to an import that overwrites nothing: ``successResults`` and ``errors``."""
        return self._send_file("_import", objects, {})

    def resolve_import_errors(
        self, objects: Iterable[SavedObject], retries: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """As ``import_objects``, for those of ``objects`` that are in ``retries``.

        Args:
            retries: ``type`` and ``id``, and optionally ``overwrite`` and ``destinationId``.
        """
        return self._send_file("_resolve_import_errors", objects, {"retries": json.dumps(retries)})

    def export(self, keys: Iterable[Key], deep: bool = False) -> Export:
        """The objects with these keys; missing ones are left out.

        Args:
            deep: also everything that they refer to.
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
        except KibanaRefused as error:
            unreadable = error.body.get("attributes", {}).get("objects", [])
            absent = {(item["type"], item["id"]) for item in unreadable if _is_missing(item)}
            if not absent or len(absent) < len(unreadable):
                raise
            return self.export([key for key in wanted if key not in absent], deep)

    def export_types(self, types: Iterable[str]) -> Export:
        """All objects of these types in the space."""
        return self._export({"type": sorted(types)})

    def data_views(self) -> dict[str, str]:
        """Id of each data view -> its index pattern."""
        answer = self.call("GET", self.in_space("/api/data_views"))
        return {view["id"]: view["title"] for view in answer["data_view"]}

    def put_if_absent(
        self, path: str, body: Mapping[str, Any], update: Mapping[str, Any] | None = None
    ) -> bool:
        """POSTs ``body`` to ``path`` of the space; ``path`` ends in an id.

        Args:
            update: what to PUT if the id is in use; None: leave the existing object as it is.

        Returns:
            Whether the id was free.
        """
        try:
            self.call("POST", self.in_space(path), json=body)
        except KibanaRefused as error:
            if error.status != 409:
                raise
            if update is not None:
                self.call("PUT", self.in_space(path), json=update)
            return False
        return True

    def _version(self) -> str | None:
        try:
            status = self.call("GET", "/api/status", timeout=STATUS_TIMEOUT)
        except KibanaRefused as error:
            if error.status in (502, 503, 504):
                raise StillStarting(f"Kibana at {self.url} is still starting{_which(error.body)}") from None
            if error.status == 404:
                raise KibanaError(
                    f"there is no Kibana at {self.url}: if it has a base path (server.basePath), KIBANA_URL "
                    "must end with it"
                ) from None
            raise
        if "status" not in status:
            raise KibanaError(f"what answers at {self.url} isn't Kibana: set KIBANA_URL to Kibana's address")
        version: str | None = status.get("version", {}).get("number")
        if version and tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise KibanaError(
                f"Kibana at {self.url} is {version}, and the boards need 8.19 or newer; nothing was changed"
            )
        return version

    def _send_file(
        self, endpoint: str, objects: Iterable[SavedObject], form: Mapping[str, str]
    ) -> dict[str, Any]:
        # If Kibana has to change an id, compatibilityMode makes links with the old id find the copy.
        path = self.in_space(f"/api/saved_objects/{endpoint}?compatibilityMode=true")
        file = ("saved_objects.ndjson", ndjson(objects).encode(), "application/x-ndjson")
        try:
            answer: dict[str, Any] = self.call("POST", path, files={"file": file}, data=form)
        except KibanaRefused as error:
            if error.status == 422:
                # Retries are written in two batches, replacements first.
                written = "nothing was imported" if endpoint == "_import" else "nothing was added"
                raise KibanaError(
                    f"this Kibana is older than the boards and refuses them ({written}): use Kibana 8.19 or "
                    f"newer. Kibana says: {error_message(error.body)}"
                ) from None
            raise
        return answer

    def _export(self, body: Mapping[str, Any]) -> Export:
        lines = self.call("POST", self.in_space("/api/saved_objects/_export"), json=body, lines=True)
        objects = [line for line in lines if "exportedCount" not in line]
        missing = [ref for line in lines if "exportedCount" in line for ref in line["missingReferences"]]
        return Export(objects, [(ref["type"], ref["id"]) for ref in missing])


def connect(connection: Connection, space: str = DEFAULT_SPACE) -> Kibana:
    """Kibana at ``connection``. Without a login for Kibana, Elasticsearch's is used, which is valid too.

    Raises:
        KibanaError: ``kibana_url`` isn't an address, or contains a user or password.
    """
    own = bool(connection.kibana_api_key or connection.kibana_user)
    url = connection.kibana_url.rstrip("/")
    if "@" in url:
        raise KibanaError(
            "KIBANA_URL must not contain a user or password (before an @): put them into KIBANA_USER and "
            "KIBANA_PASSWORD"
        )
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        known = False
    if not known:
        raise KibanaError(not_an_address("KIBANA_URL", url, EXAMPLE))
    return Kibana(
        url,
        api_key=connection.kibana_api_key if own else connection.es_api_key,
        user=connection.kibana_user if own else connection.es_user,
        password=connection.kibana_password if own else connection.es_password,
        ca_certs=connection.kibana_ca_certs or connection.es_ca_certs,
        space=space,
    )


def _is_missing(item: Mapping[str, Any]) -> bool:
    return bool(item.get("error", {}).get("statusCode") == 404)


def _which(status: Mapping[str, Any]) -> str:
    """Which part of Kibana isn't available yet, if Kibana says so."""
    summary = (status.get("status") or {}).get("overall", {}).get("summary")
    return f" ({summary})" if summary else ""
