"""Faces with candidates that nobody has decided about, one after the other.

Not by a point in time: a person may take hours over a page, and it would end meanwhile. What others decide
leaves the queue with the next page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from elasticsearch import Elasticsearch

from es_setup import mappings
from faces.calibration.indices import Shared
from faces.decisions.derived import is_decided
from faces.decisions.documents import Key, face_id
from faces.explore.stored_faces import held
from faces.names import all_names, plain
from faces.searchable import FaceField, Searchable, below
from ingest_service.verdicts import Verdict

AT_ONCE = 20
"""Documents of a page; each may have a crop for each of its faces."""
SHOWN = 5
"""Candidates of a face that are shown, the most similar."""
READ = ("id", "box", "label", "not", "ignored", "match", "candidates", "best_similarity", "crop")

Order = Literal["similarity", "date"]


@dataclass(frozen=True)
class ShownCandidate:
    """Somebody whom a face may show.

    name: None for a portrait without one.
    similarity: cosine, -1 to 1. probability: 0 to 1, if the gallery was calibrated when the photo came.
    gallery_id: of their nearest portrait. tags: of all their portraits.
    """

    name: str | None
    similarity: float
    verdict: Verdict
    probability: float | None
    gallery_id: str | None
    tags: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        probability = {} if self.probability is None else {"probability": self.probability}
        return {
            "name": self.name,
            "similarity": self.similarity,
            "verdict": self.verdict,
            **probability,
            "gallery_id": self.gallery_id,
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class UncertainFace:
    """A face that somebody has to decide about.

    position: in the document, largest first, from 0; of: how many faces that has.
    path: of its file; the document's id where none was sent.
    match: the name that a machine gave it, if it is a match.
    candidates: at most `SHOWN`, most similar first.
    crop: base64 JPEG, if stored.
    """

    key: Key
    face: str
    position: int
    of: int
    path: str
    match: str | None
    candidates: tuple[ShownCandidate, ...]
    crop: str | None

    def as_json(self) -> dict[str, Any]:
        index, document = self.key
        return {
            "index": index,
            "id": document,
            "path": self.path,
            "face": {"id": self.face, "position": self.position, "of": self.of},
            "match": self.match,
            "candidates": [one.as_json() for one in self.candidates],
        }


@dataclass(frozen=True)
class Queue:
    """What is to be reviewed.

    judged: how similarities in the gallery are judged.
    matches: whether matches that nobody confirmed belong to it.
    tag: only faces with a candidate of this tag; None for all.
    """

    where: Searchable
    judged: Shared
    matches: bool = False
    tag: str | None = None
    order: Order = "similarity"

    def count(self, es: Elasticsearch) -> int:
        """How many faces are left. With a tag that an older index can't be asked for: at most so many."""
        total = 0
        for field in self._fields:
            within = {
                "nested": {"path": field.at("faces")},
                "aggs": {"left": {"filter": self._of_face(es, field)}},
            }
            answer = es.search(
                index=self.where.name, size=0, query=self._of_index(field), aggs={"within": within}
            )
            total += int(answer["aggregations"]["within"]["left"]["doc_count"])
        return total

    def faces(self, es: Elasticsearch) -> Iterator[UncertainFace]:
        """Each of them, read by pages as it is needed."""
        for field in self._fields:
            of_face = {
                "nested": {
                    "path": field.at("faces"),
                    "ignore_unmapped": True,
                    "query": self._of_face(es, field),
                }
            }
            query = {"bool": {"filter": [self._of_index(field), of_face]}}
            after = None
            while hits := self._page(es, field, query, after):
                for hit in hits:
                    yield from self._of_document(hit, field)
                after = hits[-1]["sort"]

    @property
    def _fields(self) -> list[FaceField]:
        """A portrait has no candidates."""
        return [field for field in self.where.fields if field.nested]

    def _page(
        self, es: Elasticsearch, field: FaceField, query: dict[str, Any], after: list[Any] | None
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = es.search(
            index=self.where.name,
            query=query,
            size=AT_ONCE,
            sort=self._sort(field),
            search_after=after,
            source={"includes": [*(field.at(f"faces.{name}") for name in READ), "file.name"]},
            fields=[{"field": "file.path"}],
            track_total_hits=False,
        )["hits"]["hits"]
        return found

    def _sort(self, field: FaceField) -> list[dict[str, Any]]:
        """The others tell documents apart that are equally similar, or of the same moment: the last is
        another one for each document of an index, as `_shard_doc` is in a point in time."""
        first = {
            "similarity": {field.at("best_similarity"): {"order": "desc", "unmapped_type": "float"}},
            "date": {field.at("@timestamp"): {"order": "desc", "unmapped_type": "date"}},
        }
        return [
            first[self.order],
            {field.at("event.ingested"): {"order": "asc", "unmapped_type": "date"}},
            {field.at("file.hash.sha256"): {"order": "asc", "unmapped_type": "keyword"}},
            {"_index": {"order": "asc"}},
            {"_seq_no": {"order": "asc"}},
        ]

    def _of_index(self, field: FaceField) -> dict[str, Any]:
        return {"terms": {"_index": list(field.indices)}}

    def _of_face(self, es: Elasticsearch, field: FaceField) -> dict[str, Any]:
        def at(name: str) -> str:
            return field.at(f"faces.{name}")

        wanted: list[dict[str, Any]] = [{"exists": {"field": at("best_similarity")}}]
        decided = [
            {"exists": {"field": at("label.name")}},
            {"exists": {"field": at("not")}},
            {"term": {at("ignored"): True}},
        ]
        if not self.matches:
            decided.append({"exists": {"field": at("match.similarity")}})
        if self.tag is not None and self._maps_tags(es, field):
            wanted.append({"term": {at("candidates.tags"): self.tag}})
        return {"bool": {"filter": wanted, "must_not": decided}}

    def _maps_tags(self, es: Elasticsearch, field: FaceField) -> bool:
        """Whether candidates can be queried: indices of an older release only store them."""
        name = field.at("faces.candidates.tags")
        found = es.indices.get_mapping(index=self.where.name)
        return all(
            mappings.find(found[index]["mappings"].get("properties", {}), name) for index in field.indices
        )

    def _of_document(self, hit: dict[str, Any], field: FaceField) -> Iterator[UncertainFace]:
        """The same faces as `_of_face` finds."""
        faces = held(hit.get("_source", {}), field)
        paths = hit.get("fields", {}).get("file.path") or all_names(below(hit["_source"], "file.name"))
        for position, face in enumerate(faces):
            match = face.get("match") or {}
            candidates = tuple(self._candidate(one) for one in face.get("candidates") or [])
            tags = {tag for one in candidates for tag in one.tags}
            if (
                not candidates
                or is_decided(face)
                or (match and not self.matches)
                or (self.tag is not None and self.tag not in tags)
            ):
                continue
            yield UncertainFace(
                key=(hit["_index"], hit["_id"]),
                face=face_id(face, position),
                position=position,
                of=len(faces),
                path=str(paths[0]) if paths else hit["_id"],
                match=plain(match.get("name")),
                candidates=candidates[:SHOWN],
                crop=face.get("crop"),
            )

    def _candidate(self, one: dict[str, Any]) -> ShownCandidate:
        similarity = float(one["similarity"])
        return ShownCandidate(
            name=plain(one.get("name")),
            similarity=similarity,
            verdict=self.judged.thresholds.verdict(similarity),
            probability=one.get("probability"),
            gallery_id=one.get("gallery_id"),
            tags=tuple(all_names(one.get("tags"))),
        )
