"""The JSON files of this folder: what a person would PUT by hand."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from es_setup import mappings, models
from es_setup.mappings import Mapping, face_vectors

HERE = Path(__file__).parent
SHIPPED_DIMS = 128
"""Numbers of a vector in our files."""
ALIASES = ("faces", "face-gallery", "face-probes")
KINDS = (
    # (folder, what the API calls it), in the order in which each may name the one before
    ("pipelines", "_ingest/pipeline"),
    ("component_templates", "_component_template"),
    ("index_templates", "_index_template"),
)

Vectors = Literal["flat", "int8_hnsw", "bbq_hnsw"]
INDEX_OPTIONS: dict[Vectors, dict[str, Any]] = {
    "flat": {"type": "flat"},
    # Scored again by the full vectors, or similarities would be off by up to 0.05.
    "int8_hnsw": {"type": "int8_hnsw", "rescore_vector": {"oversample": 2}},
    # One bit a dimension needs more candidates than eight to find the same neighbours.
    "bbq_hnsw": {"type": "bbq_hnsw", "rescore_vector": {"oversample": 3}},
}


@dataclass(frozen=True)
class Request:
    """One PUT: ``path`` as in Dev Tools, ``body`` as in its file."""

    path: str
    body: dict[str, Any]


def requests(
    model: str | None = None, vectors: Vectors | None = None, dims: int | None = None
) -> list[Request]:
    """Every pipeline and template, in order.

    Args:
        model: instead of the files' model, for the pipelines to pin and the indices to record.
        vectors: how all of them index vectors, instead of as each file says.
        dims: numbers of a vector, instead of `SHIPPED_DIMS`.
    """
    found = []
    for folder, api in KINDS:
        for file in sorted((HERE / folder).glob("*.json")):
            body = json.loads(file.read_text())
            mapping = body.get("template", {}).get("mappings", {})
            if model:
                for processor in body.get("processors", []):
                    processor["face"]["model"] = model
                if ours := models.recorded(mapping):
                    ours["model"] = model
            shape_vectors(mapping.get("properties", {}), vectors, dims)
            found.append(Request(f"/{api}/{file.stem}", body))
    return found


def shape_vectors(properties: Mapping, vectors: Vectors | None, dims: int | None) -> None:
    """How the vectors of faces are indexed, and how many numbers they have; None leaves what is there."""
    for field in face_vectors(properties):
        if vectors:
            field["index_options"] = INDEX_OPTIONS[vectors]
        if dims:
            field["dims"] = dims


def role_requests() -> list[Request]:
    """Every role."""
    return [
        Request(f"/_security/role/{file.stem}", json.loads(file.read_text()))
        for file in sorted((HERE / "roles").glob("*.json"))
    ]


def template_fields(ours: list[Request]) -> dict[str, Mapping]:
    """Index template -> the properties of all components that it is composed of.

    Args:
        ours: as ``requests`` gives them.
    """
    bodies = {request.path: request.body for request in ours}
    found: dict[str, Mapping] = {}
    for path, body in bodies.items():
        kind, _, name = path.rpartition("/")
        if kind == "/_index_template":
            found[name] = {}
            for component in body["composed_of"]:
                template = bodies[f"/_component_template/{component}"]["template"]
                # A component is part of several templates.
                properties = copy.deepcopy(template.get("mappings", {}).get("properties", {}))
                mappings.add(found[name], properties)
    return found


def shipped_model() -> str:
    """The model that the files are pinned to."""
    photo = json.loads((HERE / "component_templates" / "faces-photo.json").read_text())
    return str(models.recorded(photo["template"]["mappings"])["model"])
