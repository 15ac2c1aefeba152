"""The JSON files of this folder as PUT requests, adapted to a model."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from es_setup import mappings, models, thresholds
from es_setup.mappings import Mapping, face_vectors
from ingest_service.verdicts import Thresholds, of_model

HERE = Path(__file__).parent
SHIPPED_DIMS = 128
"""The length of a vector in our files."""
ARCHIVE, GALLERY, PROBES = ALIASES = ("faces", "face-gallery", "face-probes")
"""Of the indices that take photos."""
JOURNAL = "face-decisions"
"""The alias of the index of what people decided: no photo, no vector, no model, no pipeline."""
FORGOTTEN = "face-forgotten"
"""The alias of the index of what `faces forget` keeps away: keyed hashes alone."""
CREATED = (*ALIASES, JOURNAL, FORGOTTEN)
"""The aliases whose first index an installation creates."""
KINDS = (
    # (folder, API), in the order of installation: each kind refers to the ones before it
    ("pipelines", "_ingest/pipeline"),
    ("component_templates", "_component_template"),
    ("index_templates", "_index_template"),
)

Vectors = Literal["flat", "int8_hnsw", "bbq_hnsw"]
INDEX_OPTIONS: dict[Vectors, dict[str, Any]] = {
    "flat": {"type": "flat"},
    # Rescored with the full vectors: otherwise similarities would be off by up to 0.05.
    "int8_hnsw": {"type": "int8_hnsw", "rescore_vector": {"oversample": 2}},
    # One bit a dimension needs more candidates than eight bits do to find the same neighbours.
    "bbq_hnsw": {"type": "bbq_hnsw", "rescore_vector": {"oversample": 3}},
}


def no_such_index(name: str) -> str:
    """That there is none of this name, and, if it is one of ours, what creates it."""
    return f"no such index [{name}]" + (": `faces install` creates it" if name in CREATED else "")


@dataclass(frozen=True)
class PutRequest:
    """``path`` as in Dev Tools, ``body`` as in the file."""

    path: str
    body: dict[str, Any]


def requests(
    model: str | None = None,
    vectors: Vectors | None = None,
    dims: int | None = None,
    uncalibrated: Thresholds | None = None,
) -> list[PutRequest]:
    """Every pipeline and template, in the order of installation.

    Args:
        model: id of the model that pipelines pin and indices record; default: the files'.
        vectors: how all indices index vectors; default: as each file says.
        dims: length of a vector; default: `SHIPPED_DIMS`.
        uncalibrated: the thresholds that new indices record for ``model``; default: those of its profile.
    """
    found = []
    for folder, api in KINDS:
        for file in sorted((HERE / folder).glob("*.json")):
            body = json.loads(file.read_text())
            mapping = body.get("template", {}).get("mappings", {})
            if model:
                for processor in body.get("processors", []):
                    if "face" in processor:
                        processor["face"]["model"] = model
                if "model" in (ours := models.recorded(mapping)):
                    pair = uncalibrated or of_model(model)
                    ours |= {"model": model, thresholds.THRESHOLDS: thresholds.as_meta(pair)}
            shape_vectors(mapping.get("properties", {}), vectors, dims)
            found.append(PutRequest(f"/{api}/{file.stem}", body))
    return found


def shape_vectors(properties: Mapping, vectors: Vectors | None, dims: int | None) -> None:
    """Sets how face vectors are indexed and their length; None leaves what ``properties`` say."""
    for field in face_vectors(properties):
        if vectors:
            field["index_options"] = INDEX_OPTIONS[vectors]
        if dims:
            field["dims"] = dims


def role_requests() -> list[PutRequest]:
    """Every role."""
    return [
        PutRequest(f"/_security/role/{file.stem}", json.loads(file.read_text()))
        for file in sorted((HERE / "roles").glob("*.json"))
    ]


def template_fields(puts: list[PutRequest]) -> dict[str, Mapping]:
    """Index template of an index that takes photos -> the properties of all its components.

    Args:
        puts: from ``requests``.
    """
    bodies = {request.path: request.body for request in puts}
    found: dict[str, Mapping] = {}
    for path, body in bodies.items():
        kind, _, name = path.rpartition("/")
        if kind == "/_index_template" and name in ALIASES:
            found[name] = {}
            for component in body["composed_of"]:
                template = bodies[f"/_component_template/{component}"]["template"]
                # A copy: several templates share a component.
                properties = copy.deepcopy(template.get("mappings", {}).get("properties", {}))
                mappings.add(found[name], properties)
    return found


def shipped_model() -> str:
    """The model that the files are pinned to."""
    photo = json.loads((HERE / "component_templates" / "faces-photo.json").read_text())
    return str(models.recorded(photo["template"]["mappings"])["model"])
