"""The index that takes an old one's place: its fields, settings and aliases, for vectors of another model."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import mappings, models, thresholds
from es_setup.attach import Attachment
from es_setup.mappings import Mapping, face_vectors
from es_setup.shipped_files import ALIASES, ARCHIVE, GALLERY, requests, template_fields
from faces.searchable import FaceField, searchable
from faces.undisturbed import BEFORE
from ingest_service.errors import UserError

OF_ONE_INDEX = (
    "index.blocks.",
    "index.creation_date",
    "index.history.",
    "index.lifecycle.indexing_complete",
    "index.provided_name",
    "index.resize.",
    "index.routing.allocation.initial_recovery.",
    "index.shrink.",
    "index.uuid",
    "index.verified_before_close",
    "index.version.",
)
"""How settings begin that another index can't have, or mustn't."""
DEFAULT_PIPELINE = "index.default_pipeline"


class NotCreated(UserError):
    """The new index can't be made; the message says why, and what to do. Nothing was changed."""


def following(es: Elasticsearch, index: str, taken: Collection[str]) -> str:
    """The next free name in the manner of ``faces-000001``, which no name of ``taken`` has."""
    found = re.fullmatch(r"(.*?)(\d+)", index)
    name, number, digits = (found[1], int(found[2]), len(found[2])) if found else (f"{index}-", 0, 6)
    while True:
        number += 1
        wanted = f"{name}{number:0{digits}d}"
        if wanted not in taken and not es.indices.exists(index=wanted):
            return wanted


def body_of(
    es: Elasticsearch, index: str, model: str, dims: int, pair: dict[str, float], pipeline: str | None
) -> dict[str, Any]:
    """The mapping and settings of a new index: those of ``index``, its senders' fields and whatever somebody
    changed included, with the fields of ours that it lacks.

    Args:
        dims: length of a vector of ``model``; pair: its uncalibrated thresholds.
        pipeline: the new index's default pipeline; None for none.
    """
    (found,) = es.indices.get(index=index, flat_settings=True).values()
    settings = {name: value for name, value in found["settings"].items() if not name.startswith(OF_ONE_INDEX)}
    settings |= {DEFAULT_PIPELINE: pipeline} if pipeline else {}
    mapping = copy.deepcopy(found["mappings"])
    properties: Mapping = mapping.setdefault("properties", {})
    for field in face_vectors(properties):
        field["dims"] = dims
    for kind in searchable(es, index).fields:
        _complete(properties, kind, models.recorded(mapping), found["settings"].get(DEFAULT_PIPELINE), dims)
    recorded = models.recorded(mapping)
    kept = {fact: value for fact, value in recorded.items() if fact not in models.OF_ITS_MODEL}
    ours = kept | {"model": model, thresholds.THRESHOLDS: pair, BEFORE: index}
    mapping["_meta"] = {**mapping.get("_meta", {}), models.OURS: ours}
    return {"settings": settings, "mappings": mapping}


def create(es: Elasticsearch, index: str, body: dict[str, Any]) -> None:
    """
    Raises:
        NotCreated: a template would put it behind an alias at once.
        ApiError: Elasticsearch refuses it; there is none of this name then.
    """
    template = es.indices.simulate_index_template(name=index).get("template", {})
    if aliases := template.get("aliases"):
        raise NotCreated(
            f"an index template puts [{index}] behind {sorted(aliases)}, where searches would meet two "
            "models: remove the aliases from the template, and run this again"
        )
    es.indices.create(index=index, **body)


def require_ours(es: Elasticsearch, index: str, source: str) -> None:
    """
    Raises:
        NotCreated: somebody else has made an index of this name.
    """
    mapping = es.indices.get_mapping(index=index)[index]["mappings"]
    if models.recorded(mapping).get(BEFORE) != source:
        raise NotCreated(f"somebody created [{index}] meanwhile: `--rollback`, and run this again")


def _complete(
    properties: Mapping, kind: FaceField, recorded: dict[str, Any], pipeline: str | None, dims: int
) -> None:
    """Adds our fields that are missing, and makes candidates searchable that an early release stored only."""
    candidates = kind.at(mappings.CANDIDATES)
    field = mappings.find(properties, candidates)
    if field and mappings.is_stored_only(candidates, field):
        mappings.remove(properties, candidates)
    if kind.target or "field" in recorded:
        attached = Attachment("", str(recorded.get("field", "image")), kind.target or None)
        wanted = attached.mapping(None, dims)
    else:
        own = pipeline if pipeline in ALIASES else ARCHIVE if kind.nested else GALLERY
        wanted = template_fields(requests(dims=dims))[own]
    absent, _ = mappings.compare(wanted, properties)
    mappings.add(properties, absent)
