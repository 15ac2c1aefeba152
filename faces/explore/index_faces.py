"""The faces that an index holds: its flat fields as an ``eland.DataFrame``, and the vectors.

Eland lets Elasticsearch count instead of fetching documents, and doesn't support vectors and nested fields.
Vectors are read in pages of a point in time, so that photos indexed meanwhile don't change the pages.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from elasticsearch import Elasticsearch, NotFoundError
from numpy.typing import NDArray

from es_setup import mappings
from es_setup.models import model_of
from faces.calibration.indices import calibration_of, faces_in
from faces.error_rates.arrays import Vectors
from faces.extras import require
from faces.names import nfc
from ingest_service.errors import UserError
from ingest_service.verdicts import UNCALIBRATED

if TYPE_CHECKING:
    import eland

LIMIT = 10_000
"""Faces that are read by default."""
DOCUMENTS_AT_ONCE = 200
CROPS_AT_ONCE = 50
KEEP_ALIVE = "5m"

COLUMNS = (
    "@timestamp",
    "event.ingested",
    "file.path",
    "observer.name",
    "people",
    "matched_people",
    "face_count",
    "unnamed_faces",
    "best_quality",
    "best_similarity",
    "photo.width",
    "photo.height",
    "tags",
    "error.code",
    "model.id",
)
"""Our flat fields that are useful in a table."""

VECTORS = ("faces.vector", "vector")
"""The vector's field in the faces of a photo, and in the one face of a portrait."""
HOLDERS = ("faces", "face")
"""The object with the rest of a face, likewise."""
READ = ("id", "vector", "box", "quality.score", "label.name")
SOURCE = ["vector", "photo.fingerprint", *(f"{holder}.{name}" for holder in HOLDERS for name in READ)]
# As fields, which cover both forms that are sent: "file": {"path"} and "file.path".
FIELDS = [{"field": name} for name in ("file.path", "person.name", "file.hash.sha256")]
IN_PHOTO: dict[str, Any] = {
    "path": "faces",
    "ignore_unmapped": True,
    "query": {"exists": {"field": "faces.vector"}},
}
WITH_FACES: dict[str, Any] = {"bool": {"should": [{"exists": {"field": "vector"}}, {"nested": IN_PHOTO}]}}
NEWEST_FIRST: list[dict[str, Any]] = [
    {"@timestamp": {"order": "desc", "unmapped_type": "date"}},
    {"_shard_doc": {"order": "asc"}},
]


class NothingToExplore(UserError):
    """No such index, or it holds no faces; the message says what to do."""


@dataclass(frozen=True)
class Face:
    """
    name: given by a person, not by a match; None if nobody named the face.
    box: x, y, width, height in pixels of the upright photo.
    quality: 0 to 1, None if it isn't stored.
    sha256, fingerprint: of the photo, in hexadecimal; the latter has 64 bits.
    """

    index: str
    document: str
    id: str
    path: str
    name: str | None
    box: tuple[int, int, int, int]
    quality: float | None
    sha256: str | None
    fingerprint: str | None


@dataclass(frozen=True)
class IndexFaces:
    """Faces of an index, those of the newest photos first.

    vectors: (n, dims), of length 1; a row for each of ``faces``.
    model: that made the vectors.
    total: how many faces the index holds; more than n where ``limit`` was reached.
    """

    index: str
    model: str | None
    vectors: Vectors
    faces: tuple[Face, ...]
    total: int

    @property
    def cut(self) -> bool:
        return self.total > len(self.faces)

    @property
    def names(self) -> list[str]:
        """The people's names, in order."""
        return sorted({face.name for face in self.faces if face.name is not None})

    def people(self) -> NDArray[np.int64]:
        """(n,): each face's person as a position in ``names``; -1 without a name."""
        numbers = {name: number for number, name in enumerate(self.names)}
        return np.array([-1 if face.name is None else numbers[face.name] for face in self.faces], np.int64)


@dataclass(frozen=True)
class MatchThreshold:
    """The cosine similarity from which on two faces are taken for one person, -1 to 1."""

    similarity: float
    calibrated: bool

    def __str__(self) -> str:
        return f"{self.similarity:.2f}" + ("" if self.calibrated else " (not calibrated)")


def frame(es: Elasticsearch, index: str) -> eland.DataFrame:
    """The documents of an index as a table: a row each, our flat fields as columns.

    Filters, counts and quantiles are searches and aggregations; no document is fetched for them.

    Raises:
        NothingToExplore: there is no such index, or its documents can't hold faces.
        ExtraMissing: eland isn't installed.
    """
    require("explore", "eland")
    import eland

    present = _fields(es, index)
    return eland.DataFrame(es, index, columns=[name for name in COLUMNS if name in present])


def read(es: Elasticsearch, index: str, limit: int = LIMIT) -> IndexFaces:
    """The faces with their vectors, at most ``limit`` of them, those of the newest photos first.

    Without the crops, which would take twenty times the vectors' memory: see ``crops``.

    Raises:
        NothingToExplore: there is no such index, or it holds no faces.
        MixedModels: it holds vectors of several models.
    """
    _fields(es, index)  # raises if the index can't hold faces
    model = model_of(es, index)
    found = list(islice(_faces(es, index), limit))
    if not found:
        raise NothingToExplore(
            f"no faces in [{index}] yet, among {es.count(index=index)['count']:,} documents: index photos, "
            "as `faces index FOLDER` does"
        )
    faces, vectors = zip(*found, strict=True)
    total = faces_in(es, index) if len(faces) == limit else len(faces)
    return IndexFaces(index, model, np.array(vectors, dtype=np.float32), faces, total)


def crops(es: Elasticsearch, faces: IndexFaces, wanted: Iterable[int]) -> dict[int, bytes]:
    """The JPEG of each wanted face, by its position in ``faces``; deleted faces, and those without a crop,
    are left out."""
    documents: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position in wanted:
        face = faces.faces[position]
        documents[face.index, face.document].append(position)
    stored = [f"{holder}.{name}" for holder in HOLDERS for name in ("id", "crop")]
    found: dict[int, bytes] = {}
    keys = iter(documents)
    while page := list(islice(keys, CROPS_AT_ONCE)):
        asked = [{"_index": index, "_id": document} for index, document in page]
        for key, answer in zip(page, es.mget(docs=asked, source_includes=stored)["docs"], strict=True):
            by_id = {face.get("id"): face.get("crop") for face in _held(answer.get("_source", {}))}
            for position in documents[key]:
                if picture := _decoded(by_id.get(faces.faces[position].id)):
                    found[position] = picture
    return found


def match_threshold(es: Elasticsearch, index: str) -> MatchThreshold:
    """``strong`` of the calibration that the indices share, or else of the default thresholds."""
    calibration = calibration_of(es, index).calibration
    if calibration is None:
        return MatchThreshold(UNCALIBRATED.strong, calibrated=False)
    return MatchThreshold(calibration.thresholds.strong, calibrated=True)


def _fields(es: Elasticsearch, index: str) -> set[str]:
    """The full names of all fields of all indices behind a name.

    Raises:
        NothingToExplore: there is none, or none has a field for vectors.
    """
    try:
        found = dict(es.indices.get_mapping(index=index))
    except NotFoundError:
        found = {}
    if not found:
        raise NothingToExplore(
            f"no such index [{index}]: name one that holds faces, such as [faces], made by `faces install`"
        )
    properties = [one["mappings"].get("properties", {}) for one in found.values()]
    fields = {name for one in properties for name in mappings.names(one)}
    if fields.isdisjoint(VECTORS):
        raise NothingToExplore(
            f"[{index}] can't hold faces: it has neither [{VECTORS[0]}], as an archive such as [faces], nor "
            f"[{VECTORS[1]}], as [face-gallery]"
        )
    return fields


def _faces(es: Elasticsearch, index: str) -> Iterator[tuple[Face, list[float]]]:
    """Each face and its vector, by pages of a point in time."""
    pit, after = es.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"], None
    try:
        while True:
            page = es.search(
                pit={"id": pit, "keep_alive": KEEP_ALIVE},
                query=WITH_FACES,
                size=DOCUMENTS_AT_ONCE,
                sort=NEWEST_FIRST,
                search_after=after,
                # Elasticsearch 9 leaves vectors out unless it is told not to.
                source={"includes": SOURCE, "exclude_vectors": False},
                fields=FIELDS,
                track_total_hits=False,
            )
            pit, hits = page["pit_id"], page["hits"]["hits"]
            for hit in hits:
                yield from _of_document(hit)
            if not hits:
                return
            after = hits[-1]["sort"]
    finally:
        es.close_point_in_time(id=pit)


def _of_document(hit: dict[str, Any]) -> Iterator[tuple[Face, list[float]]]:
    source, fields = hit.get("_source", {}), hit.get("fields", {})
    held = [face for face in _held(source) if "vector" in face]
    sent = _first(fields, "person.name")
    for face in held:
        box = face.get("box", {})
        yield (
            Face(
                index=hit["_index"],
                document=hit["_id"],
                id=face.get("id", ""),
                path=_first(fields, "file.path") or hit["_id"],
                # The photo's label is its face's, if it has only one.
                name=_name(face.get("label", {}).get("name") or (sent if len(held) == 1 else None)),
                box=(box.get("x", 0), box.get("y", 0), box.get("width", 0), box.get("height", 0)),
                quality=face.get("quality", {}).get("score"),
                sha256=_first(fields, "file.hash.sha256"),
                fingerprint=_hexadecimal(source.get("photo", {}).get("fingerprint")),
            ),
            face["vector"],
        )


def _held(source: dict[str, Any]) -> list[dict[str, Any]]:
    """The faces of a photo, or a portrait's one face with its vector."""
    if "face" in source:
        return [source["face"] | {name: source[name] for name in ("vector",) if name in source}]
    faces = source.get("faces", [])
    return faces if isinstance(faces, list) else [faces]


def _hexadecimal(bits: str | list[int] | None) -> str | None:
    """A bit vector: Elasticsearch 8 returns it as it was sent, 9 as bytes from -128 to 127."""
    return bytes(byte % 256 for byte in bits).hex() if isinstance(bits, list) else bits


def _first(fields: dict[str, list[Any]], name: str) -> str | None:
    return str(fields[name][0]) if name in fields else None


def _name(name: Any) -> str | None:
    """In NFC: two spellings of a name are one person."""
    return nfc(str(name)) if name else None


def _decoded(crop: str | None) -> bytes | None:
    try:
        return base64.b64decode(crop or "", validate=True) or None
    except binascii.Error:
        return None
