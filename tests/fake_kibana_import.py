"""How Kibana 8.19 imports saved objects, and what it refuses; ``fake_kibana`` names the sources."""

from __future__ import annotations

import json
from typing import Any, Protocol
from uuid import uuid4

from flask import Response
from werkzeug.exceptions import HTTPException

Object = dict[str, Any]

LATEST = {"dashboard": "10.3.0", "index-pattern": "8.0.0", "search": "10.5.0", "tag": "8.0.0"}
"""The types that can be imported, with the newest version that is known of each. All are multi-namespace."""

CHECKED_REFERENCES = ("index-pattern", "search")
RESOLVABLE = ("conflict", "ambiguous_conflict", "missing_references")


class Refusal(HTTPException):
    def __init__(self, code: int, error: str, message: str, attributes: Any = None) -> None:
        body = {"statusCode": code, "error": error, "message": message}
        if attributes is not None:
            body["attributes"] = attributes
        super().__init__(response=Response(json.dumps(body), code, content_type="application/json"))


class Store(Protocol):
    """What an import needs of Kibana."""

    version: str
    stored: dict[tuple[str, str], Object]

    def in_space(self, space: str) -> dict[tuple[str, str], Object]: ...

    def store(self, one: Object, space: str) -> None: ...


class ImportAttempt:
    """One import: its errors, and the ids that it assigned."""

    def __init__(self, kibana: Store, space: str, objects: list[Object]) -> None:
        self.kibana = kibana
        self.space = space
        self.errors: list[Object] = []
        self.ids: dict[tuple[str, str], str] = {}
        self.overwritten: set[tuple[str, str]] = set()
        for one in objects:
            if one["type"] not in LATEST:
                self._fail(one, type="unsupported_type")
        self.objects = [one for one in objects if one["type"] in LATEST]
        double = {
            key_of(one) for one in objects if sum(key_of(other) == key_of(one) for other in objects) > 1
        }
        if double:
            names = ",".join(":".join(key) for key in sorted(double))
            raise Refusal(400, "Bad Request", f"Non-unique import objects detected: [{names}]")

    def check(self, retries: dict[tuple[str, str], Object]) -> None:
        self._check_references()
        for one in self.objects:
            self._check_conflict(one, retries[key_of(one)])

    def write(self) -> None:
        """Writes all objects without an error, or nothing if one of the errors can be resolved."""
        failed = {key_of(error) for error in self.errors}
        self.written = [one for one in self.objects if key_of(one) not in failed]
        if any(error["error"]["type"] in RESOLVABLE for error in self.errors):
            return
        for one in self.written:
            known, version = LATEST[one["type"]], one.get("typeMigrationVersion", "")
            if version and _numbers(version) > _numbers(known):
                message = (
                    f'Document "{one["id"]}" belongs to a more recent version of Kibana [{version}] when the '
                )
                raise Refusal(422, "Unprocessable Entity", f"{message}last known version is [{known}].")
        for one in self.written:
            new_id = self.ids.get(key_of(one))
            references = [
                ref | {"id": self.ids.get(key_of(ref), ref["id"])} for ref in one.get("references", [])
            ]
            origin = {"id": new_id, "originId": one.get("originId", one["id"])} if new_id else {}
            migrated = {"references": references, "typeMigrationVersion": LATEST[one["type"]]}
            self.kibana.store(one | migrated | origin, self.space)

    def answer(self) -> Object:
        answer: Object = {"successCount": len(self.written), "success": not self.errors, "warnings": []}
        results = []
        for one in self.written:
            result = {"type": one["type"], "id": one["id"], "meta": {"title": _title(one)}, "managed": False}
            if key_of(one) in self.ids:
                result["destinationId"] = self.ids[key_of(one)]
            if key_of(one) in self.overwritten:
                result["overwrite"] = True
            results.append(result)
        return (
            answer
            | ({"successResults": results} if results else {})
            | ({"errors": self.errors} if self.errors else {})
        )

    def _check_references(self) -> None:
        here = self.kibana.in_space(self.space)
        ours = {key_of(one) for one in self.objects}
        for one in self.objects:
            absent = []
            for ref in map(bare, one.get("references", [])):
                if key_of(ref) in ours:
                    continue
                copies = [other["id"] for key, other in here.items() if _is_copy(other, key_of(ref))]
                if len(copies) == 1:
                    self.ids[key_of(ref)] = copies[0]
                elif ref["type"] in CHECKED_REFERENCES and key_of(ref) not in here and ref not in absent:
                    absent.append(ref)
            if absent:
                self._fail(one, type="missing_references", references=absent)

    def _check_conflict(self, one: Object, retry: Object) -> None:
        key = key_of(one)
        destination = retry.get("destinationId")
        there = self.kibana.stored.get((one["type"], destination or one["id"]))
        if there and self.space not in there["namespaces"]:
            self.ids[key] = str(uuid4())
        elif there:
            if destination:
                self.ids[key] = destination
            self._conflict(one, retry, destination)
            return
        if destination:
            self.ids[key] = destination
            return
        here = self.kibana.in_space(self.space).values()
        copies = [other["id"] for other in here if _is_copy(other, key)]
        if len(copies) > 1:
            self._fail(one, type="ambiguous_conflict", destinations=[{"id": copy} for copy in copies])
        elif copies:
            self.ids[key] = copies[0]
            self._conflict(one, retry, copies[0])

    def _conflict(self, one: Object, retry: Object, destination: str | None) -> None:
        if retry.get("overwrite"):
            self.overwritten.add(key_of(one))
        else:
            self._fail(one, type="conflict", **({"destinationId": destination} if destination else {}))

    def _fail(self, one: Object, **error: Any) -> None:
        self.errors.append(
            {"type": one["type"], "id": one["id"], "meta": {"title": _title(one)}, "error": error}
        )


def key_of(one: Object) -> tuple[str, str]:
    return one["type"], one["id"]


def bare(reference: Object) -> Object:
    return {"type": reference["type"], "id": reference["id"]}


def _is_copy(one: Object, key: tuple[str, str]) -> bool:
    return (one["type"], one.get("originId")) == key


def _title(one: Object) -> Any:
    return one["attributes"].get("title") or one["attributes"].get("name")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
