"""The faces that an index holds: its flat fields as an ``eland.DataFrame``, and the vectors.

Eland lets Elasticsearch count instead of fetching documents, and doesn't support vectors and nested fields.
Vectors are read in pages of a point in time, so that photos indexed meanwhile don't change the pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from elasticsearch import Elasticsearch, NotFoundError
from numpy.typing import NDArray

from es_setup import mappings
from es_setup.failures import is_elasticsearch
from es_setup.mappings import Mapping
from es_setup.shipped_files import CREATED, no_such_index
from faces.calibration.indices import faces_in, judgement_of, listed
from faces.error_rates.arrays import Vectors
from faces.explore.stored_faces import CROP, FIELDS, HOLDERS, Face, decoded, held, of_document, stored
from faces.extras import require
from faces.pages import every_hit
from faces.searchable import NoFaces, Searchable, newest_first, searchable
from ingest_service.errors import UserError
from ingest_service.verdicts import shown

if TYPE_CHECKING:
    import eland

LIMIT = 10_000
"""Faces that are read by default."""
CROPS_AT_ONCE = 50

WRITTEN = (
    "@timestamp",
    "event.ingested",
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
"""Our flat fields that are useful in a table: these are below the target field of an attached index."""
NEEDED = ("@timestamp", "face_count", "error.code", "people", "best_quality")
SENT = ("file.path", "observer.name")
"""The senders' own, likewise; an attached index may lack them."""
COUNTED = ("keyword", "wildcard", "constant_keyword")
"""The types of text that Elasticsearch counts."""


class NothingToExplore(UserError):
    """No such index, or it holds no faces; the message says what to do."""


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
        return shown(self.similarity) + ("" if self.calibrated else " (not calibrated)")


def frame(es: Elasticsearch, index: str) -> eland.DataFrame:
    """The documents of an index as a table: a row each, our flat fields as columns.

    Filters, counts and quantiles are searches and aggregations; no document is fetched for them.

    Raises:
        NothingToExplore: there is no such index, or its documents can't hold faces.
        ExtraMissing: eland isn't installed.
    """
    require("explore", "eland")
    import eland

    where = where_faces_are(es, index)
    # An index without faces lacks our fields, too.
    name = ",".join(where.recorded) if where.without else index
    return eland.DataFrame(es, name, columns=list(columns(es, where).values()))


def columns(es: Elasticsearch, where: Searchable) -> dict[str, str]:
    """Our name of each flat field that all indices with faces have -> its full name there.

    Raises:
        NothingToExplore: one lacks a field that each has that this release makes.
    """
    at = where.fields[0].at
    wanted = {name: at(name) for name in WRITTEN} | {name: name for name in SENT}
    found = es.indices.get_mapping(index=where.name)
    present = [found[index]["mappings"].get("properties", {}) for index in where.recorded]
    counted = {
        name: full
        for name, full in wanted.items()
        if all(_is_counted(mappings.find(properties, full), name in SENT) for properties in present)
    }
    if lacking := [wanted[name] for name in NEEDED if name not in counted]:
        raise NothingToExplore(
            f"an index of [{where.name}] lacks {listed(lacking)}: run `faces install`, or `faces attach` for "
            "one of your own"
        )
    return counted


def where_faces_are(es: Elasticsearch, index: str) -> Searchable:
    """
    Raises:
        NothingToExplore: there is no such index; it can't hold faces; or its indices hold them in several
            objects, so that they make no table.
    """
    try:
        where = searchable(es, index)
    except (NoFaces, NotFoundError) as error:
        if isinstance(error, NotFoundError) and not is_elasticsearch(error):
            raise  # another server's, which knows nothing of indices
        if isinstance(error, NotFoundError) and index in CREATED:
            raise NothingToExplore(no_such_index(index)) from None
        raise NothingToExplore(
            f"no index [{index}] that can hold faces: name an archive such as [faces], or [face-gallery]; "
            "`faces attach` adds faces to an index of your own"
        ) from None
    if len({field.target for field in where.fields}) > 1:
        targets = ", ".join(f"[{field.vector}] of {listed(field.indices)}" for field in where.fields)
        raise NothingToExplore(f"[{index}] holds faces in {targets}: explore these one at a time")
    return where


def read(es: Elasticsearch, index: str, limit: int = LIMIT) -> IndexFaces:
    """The faces with their vectors, at most ``limit`` of them, those of the newest photos first.

    Without the crops, which would take twenty times the vectors' memory: see ``crops``.

    Raises:
        NothingToExplore: there is no such index, or it holds no faces.
        MixedModels: it holds vectors of several models.
    """
    where = where_faces_are(es, index)
    model = where.model(es)
    found = list(islice(_faces(es, where), limit))
    if not found:
        count = es.count(index=index)["count"]
        raise NothingToExplore(
            f"no faces in [{index}] yet, among {count:,} documents: index photos, as `faces index FOLDER` "
            "does"
        )
    faces, vectors = zip(*found, strict=True)
    total = faces_in(es, index, where.recorded) if len(faces) == limit else len(faces)
    return IndexFaces(index, model, np.array(vectors, dtype=np.float32), faces, total)


def crops(es: Elasticsearch, faces: IndexFaces, wanted: Iterable[int]) -> dict[int, bytes]:
    """The JPEG of each wanted face, by its position in ``faces``; deleted faces, and those without a crop,
    are left out."""
    documents: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position in wanted:
        face = faces.faces[position]
        documents[face.index, face.document].append(position)
    where = searchable(es, faces.index)
    stored = [f"{field.at(holder)}.{name}" for field in where.fields for holder in HOLDERS for name in CROP]
    found: dict[int, bytes] = {}
    keys = iter(documents)
    while page := list(islice(keys, CROPS_AT_ONCE)):
        asked = [{"_index": index, "_id": document} for index, document in page]
        for key, answer in zip(page, es.mget(docs=asked, source_includes=stored)["docs"], strict=True):
            source = answer.get("_source", {})
            stored_here = (face for field in where.fields_of(key[0]) for face in held(source, field))
            by_id = {face.get("id"): face.get("crop") for face in stored_here}
            for position in documents[key]:
                if picture := decoded(by_id.get(faces.faces[position].id)):
                    found[position] = picture
    return found


def match_threshold(es: Elasticsearch, index: str) -> MatchThreshold:
    """``strong`` of the calibration that the indices share, or else of the thresholds that they record."""
    judged = judgement_of(es, index)
    return MatchThreshold(judged.thresholds.strong, calibrated=judged.calibration is not None)


def _is_counted(field: Mapping | None, own: bool) -> bool:
    """Whether Elasticsearch counts the values. A field of the user's ``own`` may be of any type."""
    if field is None:
        return False
    kinds = [field.get("type"), *(one.get("type") for one in field.get("fields", {}).values())]
    return not own or any(kind in COUNTED for kind in kinds)


def _faces(es: Elasticsearch, where: Searchable) -> Iterator[tuple[Face, list[float]]]:
    """Each face and its vector, by pages of a point in time."""
    hits = every_hit(
        es,
        where.name,
        {"bool": {"should": [field.with_faces for field in where.fields]}},
        sort=newest_first(where.fields[0]),
        # Elasticsearch 9 leaves vectors out unless it is told not to.
        source={"includes": stored(where.fields[0]), "exclude_vectors": False},
        fields=FIELDS,
    )
    with closing(hits):
        for hit in hits:
            for field in where.fields_of(hit["_index"]):
                yield from of_document(hit, field)
