"""Each index of ours: what it holds, of which model, and how its similarities are judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import client_side, mappings, models
from es_setup.mappings import CANDIDATES
from es_setup.shipped_files import ALIASES, CREATED
from faces.calibration.indices import Shared, shared
from faces.health.asking import Asking
from faces.searchable import FaceField, NoFaces, searchable

AT_ONCE = 50
"""Indices that one request names; an address has a limited length."""
CODES, MODELS = 50, 10
"""Error codes and models that are counted of one index."""
KNOWN = (
    "*.aliases",
    f"*.mappings._meta.{models.OURS}",
    f"*.mappings.properties.{CANDIDATES.replace('.', '.properties.')}.enabled",
    "*.settings.index.blocks",
    "*.settings.index.default_pipeline",
    "*.settings.index.verified_before_close",
)


@dataclass(frozen=True)
class Held:
    """What an index holds.

    documents: all; read: whose photo was read; without_face: of these, those with the tag `no_face`.
    failures: error code -> documents; unprocessed: documents that passed no processor [face].
    faces: that can be searched; undecided: with candidates that nobody decided about.
    models: of the documents.
    """

    documents: int = 0
    read: int = 0
    without_face: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    unprocessed: int = 0
    faces: int = 0
    undecided: int = 0
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class OurIndex:
    """
    alias: the one of ours that it is behind, if any; writes: whether that writes to it.
    blocks: the names of those that are set, such as ``write``.
    pipeline: its default pipeline.
    stored_only: whether its candidates can't be queried, as an earlier release made it.
    recorded: our part of its ``_meta``.
    held: None if it is closed, or can't be read. size: in bytes, copies included; None if it can't be seen.
    """

    name: str
    alias: str | None
    writes: bool
    closed: bool
    blocks: tuple[str, ...]
    pipeline: str | None
    stored_only: bool
    recorded: dict[str, Any]
    held: Held | None = None
    size: int | None = None

    @property
    def is_attached(self) -> bool:
        """Whether `faces attach` gave it a pipeline; else it is from a template of ours."""
        return self.alias is None and "field" in self.recorded

    @property
    def is_workers(self) -> bool:
        """Whether `faces worker` gives its documents their faces, and not a pipeline."""
        return client_side.options_in(self.recorded) is not None

    @property
    def judged(self) -> Shared:
        return shared({self.name: self.recorded})

    @property
    def models(self) -> tuple[str, ...]:
        """Those of its documents, and the one that it records."""
        own = {str(self.recorded["model"])} if "model" in self.recorded else set()
        return tuple(sorted(own.union(self.held.models if self.held else ())))

    @property
    def place(self) -> str:
        """The name by which it is searched."""
        return self.alias or self.name


@dataclass(frozen=True)
class Indices:
    """
    ours: those behind our aliases, and attached ones, by name.
    misnamed: our aliases, the journal's too, that are an index.
    """

    ours: tuple[OurIndex, ...] = ()
    misnamed: tuple[str, ...] = ()

    @property
    def places(self) -> dict[str, list[OurIndex]]:
        """Each alias of ours, and each other index, with the indices behind it."""
        found: dict[str, list[OurIndex]] = {}
        for index in self.ours:
            found.setdefault(index.place, []).append(index)
        return found

    def models_of(self, place: str) -> list[str]:
        return sorted({model for index in self.places.get(place, ()) for model in index.models})

    def is_retired(self, place: str) -> bool:
        """Whether it is only searched, under its own name, as an index of a model that was switched from."""
        return all(index.alias is None and "write" in index.blocks for index in self.places[place])

    def faces_of(self, place: str) -> int:
        return sum(index.held.faces for index in self.places.get(place, ()) if index.held)


def indices_of(asking: Asking) -> Indices | None:
    """None if no index can be seen."""
    known = asking.ask("indices, their aliases and settings", _known, None)
    if known is None:
        return None
    misnamed = tuple(name for name in CREATED if name in known)
    ours = [index for name, facts in sorted(known.items()) if (index := _of(name, facts))]
    opened = [index.name for index in ours if not index.closed]
    held: dict[str, Held] = {}
    sizes: dict[str, int] = {}
    for start in range(0, len(opened), AT_ONCE):
        names = opened[start : start + AT_ONCE]
        held |= asking.ask("documents of the indices", partial(_held, names=names), dict[str, Held]())
        sizes |= asking.ask("sizes of the indices", partial(_sizes, names=names), dict[str, int]())
    return Indices(
        tuple(replace(index, held=held.get(index.name), size=sizes.get(index.name)) for index in ours),
        misnamed,
    )


def _known(es: Elasticsearch) -> dict[str, Any]:
    """All that this user may see, closed ones included."""
    found = es.indices.get(index="*", expand_wildcards=["open", "closed"], filter_path=list(KNOWN))
    return dict(found.body)


def _of(name: str, facts: dict[str, Any]) -> OurIndex | None:
    """None if it isn't one of ours."""
    aliases = facts.get("aliases", {})
    alias = next((one for one in ALIASES if one in aliases), None)
    recorded = models.recorded(facts.get("mappings", {}))
    if alias is None and "model" not in recorded:
        return None
    settings = facts.get("settings", {}).get("index", {})
    candidates = mappings.find(facts.get("mappings", {}).get("properties", {}), CANDIDATES) or {}
    return OurIndex(
        name=name,
        alias=alias,
        writes=alias is not None and aliases[alias].get("is_write_index", True),
        closed=settings.get("verified_before_close") == "true",
        blocks=tuple(sorted(block for block, on in settings.get("blocks", {}).items() if on == "true")),
        pipeline=settings.get("default_pipeline"),
        stored_only=mappings.is_stored_only(CANDIDATES, candidates),
        recorded=recorded,
    )


def _held(es: Elasticsearch, names: list[str]) -> dict[str, Held]:
    try:
        where = searchable(es, ",".join(names))
    except NoFaces:
        return {}
    found: dict[str, Held] = {}
    for place in where.fields:
        answer = es.search(
            index=",".join(place.indices),
            size=0,
            track_total_hits=False,
            aggs={"indices": {"terms": {"field": "_index", "size": AT_ONCE}, "aggs": _counts(place)}},
        )
        counted = {bucket["key"]: bucket for bucket in answer["aggregations"]["indices"]["buckets"]}
        found |= {name: _read(counted[name]) if name in counted else Held() for name in place.indices}
    return found


def _counts(place: FaceField) -> dict[str, Any]:
    at = place.at
    outcome = at("event.outcome")
    faces: dict[str, Any] = {"filter": {"exists": {"field": place.vector}}}
    if place.nested:
        faces = {"nested": {"path": at("faces")}, "aggs": {"with a vector": faces}}
    return {
        "read": {"filter": {"term": {outcome: "success"}}},
        "without face": {
            "filter": {
                "bool": {"filter": [{"term": {at("tags"): "no_face"}}, {"term": {outcome: "success"}}]}
            }
        },
        "failures": {"terms": {"field": at("error.code"), "size": CODES}},
        "unprocessed": {"filter": {"bool": {"must_not": {"exists": {"field": outcome}}}}},
        "faces": faces,
        "undecided": {"sum": {"field": at("undecided_faces")}},
        "models": {"terms": {"field": at("model.id"), "size": MODELS}},
    }


def _read(bucket: dict[str, Any]) -> Held:
    def count(name: str) -> int:
        return int(bucket[name]["doc_count"])

    within = bucket["faces"].get("with a vector", bucket["faces"])
    return Held(
        documents=int(bucket["doc_count"]),
        read=count("read"),
        without_face=count("without face"),
        failures={one["key"]: one["doc_count"] for one in bucket["failures"]["buckets"]},
        unprocessed=count("unprocessed"),
        faces=int(within["doc_count"]),
        undecided=int(bucket["undecided"]["value"]),
        models=tuple(one["key"] for one in bucket["models"]["buckets"]),
    )


def _sizes(es: Elasticsearch, names: list[str]) -> dict[str, int]:
    found = es.indices.stats(
        index=",".join(names), metric="store", filter_path="indices.*.total.store.size_in_bytes"
    )
    return {
        name: int(facts["total"]["store"]["size_in_bytes"])
        for name, facts in found.body.get("indices", {}).items()
    }


def by_place(indices: Indices) -> Iterator[tuple[str, list[OurIndex]]]:
    """Our aliases in their order, then attached indices by name."""
    places = indices.places
    yield from ((alias, places[alias]) for alias in ALIASES if alias in places)
    yield from ((name, behind) for name, behind in places.items() if name not in ALIASES)
