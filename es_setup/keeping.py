"""PUTs an object of ours over the one that stands, and keeps what somebody changed in that.

Each object carries, in its ``_meta``, a digest of what was PUT. What stands and still has this digest was
changed by nobody, so another release's object replaces it. What has another one, or none and isn't as
shipped, was changed.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from elasticsearch import Elasticsearch

from es_setup import mappings, models
from es_setup.mappings import face_vectors
from es_setup.shipped_files import INDEX_OPTIONS, PutRequest, Vectors

Body = dict[str, Any]
State = Literal["added", "exists", "updated", "kept", "replaced"]

JSON = {"accept": "application/json", "content-type": "application/json"}
DIGEST = "shipped"
"""The name of the digest in ``_meta``, or in a role's ``metadata``."""
DATES = tuple(f"{what}_date{unit}" for what in ("created", "modified") for unit in ("", "_millis"))
ANSWERED = ("transient_metadata", *DATES)
"""What Elasticsearch adds to its answers, and refuses in a PUT."""
DEFAULTS: dict[str, Any] = {"allow_restricted_indices": False}
ABSENT = "not set"


@dataclass(frozen=True)
class Difference:
    """A setting that isn't as shipped. None: not set."""

    name: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"[{self.name}] {_shown(self.theirs)} → {_shown(self.ours)}"


@dataclass(frozen=True)
class PutOutcome:
    """What becomes of an object.

    state: ``exists``: as shipped. ``updated``: as it was PUT before, which isn't what is shipped now.
        ``kept``: changed by somebody, and still so. ``replaced``: was changed by somebody.
    body: what is to be PUT; None if nothing is.
    differences: between what stood and what is shipped.
    """

    path: str
    state: State
    body: Body | None
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        changed = "; ".join(map(str, self.differences))
        match self.state:
            case "added":
                return "ok"
            case "exists":
                return "ok" if self.body is None else "ok, updated"
            case "kept":
                return f"DIFFERS, kept as it is; --overwrite would set {changed}"
        return f"{self.state}: {changed}"


def decide(es: Elasticsearch, request: PutRequest, vectors: Vectors | None, overwrite: bool) -> PutOutcome:
    """What to do about the object at ``request.path``. Changes nothing.

    The installation's own settings are set in what is kept, too: the model that a pipeline pins, the model
    and calibration of new indices, the dimensions, the fields that a template lacks.

    Args:
        vectors: how vectors are to be indexed; None: as they are.
        overwrite: replace what somebody changed.
    """
    ours = _with_digest(request)
    standing = standing_at(es, request.path)
    if standing is None:
        return PutOutcome(request.path, "added", ours)
    if vectors is None and not overwrite:
        _take_vectors(standing, ours)
    plain_theirs, plain_ours = _comparable(standing), _comparable(ours)
    found = tuple(_differences(plain_theirs, plain_ours))
    if not found:
        body = _merged_meta(standing, ours)
        same = _normal(body) == _normal(standing)
        return PutOutcome(request.path, "exists", None if same else body)
    body = _with_own_settings(standing, ours, vectors)
    # Fields that a template lacks are added in any case, as to one of a release before there were digests.
    changed = tuple(_differences(_comparable(body), plain_ours))
    if _digest(plain_theirs) == _recorded(standing) or not changed:
        return PutOutcome(request.path, "updated", _merged_meta(standing, ours), found)
    if overwrite:
        return PutOutcome(request.path, "replaced", ours, found)
    return PutOutcome(request.path, "kept", None if _normal(body) == _normal(standing) else body, changed)


def put(es: Elasticsearch, outcome: PutOutcome) -> None:
    if outcome.body is not None:
        es.perform_request("PUT", outcome.path, headers=JSON, body=outcome.body)


def standing_at(es: Elasticsearch, path: str) -> Body | None:
    """What stands at the path of a pipeline, template or role, as it would be PUT; None if nothing does."""
    answer = es.options(ignore_status=404).perform_request("GET", path, headers=JSON)
    if answer.meta.status == 404:
        return None
    found: Body = answer.body
    name = path.rpartition("/")[2]
    for kind in ("component_template", "index_template"):
        if templates := found.get(f"{kind}s"):
            found = {name: templates[0][kind]}
    body = copy.deepcopy(found.get(name))
    return {key: value for key, value in body.items() if key not in ANSWERED} if body else None


def face_options(value: Any) -> Iterator[Body]:
    """The options of every processor [face] of a pipeline, those in other processors included."""
    if isinstance(value, dict):
        if isinstance(value.get("face"), dict):
            yield value["face"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from face_options(one)


def steps_of(es: Elasticsearch, pipeline: str) -> list[Body]:
    """The processors of a pipeline; none if there is no such."""
    found = es.options(ignore_status=404).ingest.get_pipeline(id=pipeline).body.get(pipeline, {})
    steps: list[Body] = found.get("processors", [])
    return steps


def called_by(es: Elasticsearch, pipeline: str) -> list[str]:
    """The pipelines that ``pipeline`` calls."""
    return [step["pipeline"]["name"] for step in steps_of(es, pipeline) if "pipeline" in step]


def _with_own_settings(standing: Body, ours: Body, vectors: Vectors | None) -> Body:
    """The standing object with what the installation sets, and with the mapped fields that it lacks."""
    body = copy.deepcopy(standing)
    pinned = [options["model"] for options in face_options(ours.get("processors"))]
    for options in face_options([body.get("processors"), body.get("on_failure")]) if pinned else ():
        options["model"] = pinned[0]
    wanted = _mapping(ours)
    if wanted:
        mapping = body.setdefault("template", {}).setdefault("mappings", {})
        if facts := models.recorded(wanted):
            mapping["_meta"] = {**mapping.get("_meta", {}), models.OURS: facts}
        present = mapping.setdefault("properties", {})
        absent, _ = mappings.compare(wanted.get("properties", {}), present)
        mappings.add(present, absent)
        dims = [field["dims"] for field in face_vectors(wanted.get("properties", {}))]
        for field in face_vectors(present):
            if dims:
                field["dims"] = dims[0]
            if vectors and _by_option(field.get("index_options")):
                field["index_options"] = INDEX_OPTIONS[vectors]
    return body


def _take_vectors(standing: Body, ours: Body) -> None:
    """The standing way to index vectors, if it is one that ``--vectors`` sets: a choice is kept."""
    theirs = _mapping(standing).get("properties", {})
    for name in mappings.names(_mapping(ours).get("properties", {})):
        field = mappings.find(_mapping(ours)["properties"], name) or {}
        options = (mappings.find(theirs, name) or {}).get("index_options")
        if "index_options" in field and _by_option(options):
            field["index_options"] = options


def _comparable(body: Body) -> Body:
    """The object without what the installation itself sets."""
    plain = copy.deepcopy(body)
    for meta in ("_meta", "metadata"):
        plain.pop(meta, None)
    for options in face_options([plain.get("processors"), plain.get("on_failure")]):
        options.pop("model", None)
    mapping = _mapping(plain)
    if ours := mapping.get("_meta"):
        ours.pop(models.OURS, None)
    for field in face_vectors(mapping.get("properties", {})):
        field.pop("dims", None)
        if _by_option(field.get("index_options")):
            field["index_options"] = "as --vectors sets"
    normal: Body = _normal(plain)
    return normal


def _by_option(index_options: Any) -> bool:
    """Whether ``--vectors`` sets these."""
    return any(_normal(index_options) == _normal(one) for one in INDEX_OPTIONS.values())


def _mapping(body: Body) -> Body:
    found: Body = body.get("template", {}).get("mappings", {})
    return found


def _normal(value: Any) -> Any:
    """The same before a PUT and after it: without defaults and what is empty, scalars as text, words sorted
    where their order means nothing."""
    if isinstance(value, dict):
        plain = {key: _normal(one) for key, one in value.items() if DEFAULTS.get(key, ABSENT) != one}
        return {key: _in_order(key, one) for key, one in plain.items() if one not in ({}, [], None)}
    if isinstance(value, list):
        return [_normal(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


def _in_order(key: str, value: Any) -> Any:
    words = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return sorted(value) if words and key != "composed_of" else value


def _differences(theirs: Any, ours: Any, above: str = "") -> Iterator[Difference]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            yield from _differences(theirs.get(key), ours.get(key), f"{above}.{key}" if above else key)
    elif isinstance(theirs, list) and isinstance(ours, list) and _alike(theirs, ours):
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(one, other, f"{above}.{number}")
    elif theirs != ours:
        yield Difference(above, theirs, ours)


def _alike(theirs: list[Any], ours: list[Any]) -> bool:
    """Whether two lists have objects of the same kinds in the same order, so that each can be compared."""
    return len(theirs) == len(ours) and all(
        isinstance(one, dict) and isinstance(other, dict) and one.keys() & other.keys()
        for one, other in zip(theirs, ours, strict=True)
    )


def _with_digest(request: PutRequest) -> Body:
    body = copy.deepcopy(request.body)
    body.setdefault(_meta_of(request.path), {})[DIGEST] = _digest(_comparable(body))
    return body


def _merged_meta(standing: Body, ours: Body) -> Body:
    """Our object, with what else is in the standing one's ``_meta``."""
    name = "_meta" if "_meta" in ours else "metadata"
    return {**ours, name: {**standing.get(name, {}), **ours[name]}}


def _meta_of(path: str) -> str:
    return "metadata" if path.startswith("/_security/") else "_meta"


def _recorded(body: Body) -> str | None:
    for name in ("_meta", "metadata"):
        if DIGEST in body.get(name, {}):
            return str(body[name][DIGEST])
    return None


def _digest(comparable: Body) -> str:
    return hashlib.sha256(json.dumps(comparable, sort_keys=True).encode()).hexdigest()[:16]


def _shown(value: Any) -> str:
    if value is None:
        return ABSENT
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"[{text if len(text) <= 80 else text[:79] + '…'}]"
