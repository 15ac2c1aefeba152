"""The faces of an index as they are grouped: vectors as one array, and what was said about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from faces.decisions.derived import is_unnamed, lone_face
from faces.decisions.documents import Document, Key, face_id
from faces.error_rates.arrays import Vectors
from faces.error_rates.similarity import normalized
from faces.grouping.marks import Marks, marks_of
from faces.grouping.pairs import Numbers
from faces.pages import every_hit
from faces.searchable import Searchable, archives

READ = (
    *(f"faces.{name}" for name in ("id", "vector", "label", "not", "apart", "ignored", "drawn", "group")),
    *("photo.faces_found", "face_count", "model.id"),
)


@dataclass(frozen=True)
class StoredFaces:
    """All faces of one model, sorted by document, whatever order they were read in.

    documents: index and ``_id`` of each document with faces.
    starts: (documents + 1,): the faces of document i are those from starts[i] to starts[i + 1].
    vectors: (n, dims), of length 1.
    ids: of each face in its document.
    unnamed: (n,): nobody has named or ignored it.
    groups: the group that each face is in by now; None without one.
    apart: from which faces people told a face apart; only of those of whom they did.
    marks: what keeps faces apart; only of those that have any.
    others: how many faces are of other models, by model.
    """

    model: str | None
    documents: list[Key]
    starts: NDArray[np.int64]
    vectors: Vectors
    ids: list[str]
    unnamed: NDArray[np.bool_]
    groups: list[str | None]
    apart: dict[int, list[str]]
    marks: dict[int, Marks]
    others: dict[str, int]

    def __len__(self) -> int:
        return len(self.ids)

    def of_documents(self, numbers: Numbers) -> tuple[NDArray[np.intp], Numbers]:
        """All faces of some documents: (m,), each with the place of its document in ``numbers``."""
        first, sizes = self.starts[numbers], self.starts[numbers + 1] - self.starts[numbers]
        places = np.repeat(np.arange(len(numbers)), sizes)
        within = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return first[places] + within, places.astype(np.int32)


@dataclass
class _Reading:
    """What was read until now. Of each document: its key and number of faces; of each face the rest."""

    keys: list[Key] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    faces: list[tuple[str, bool, str | None, list[str], Marks]] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)

    def add(self, document: Document, model: str | None) -> None:
        own = [(place, face) for place, face in enumerate(document.faces) if face.get("vector")]
        of = document.get("model.id")
        if of is not None and of != model:
            self.others[of] = self.others.get(of, 0) + len(own)
            return
        if not own:
            return
        self.keys.append(document.key)
        self.counts.append(len(own))
        self.vectors.append(np.array([face["vector"] for _, face in own], dtype=np.float32))
        lone = lone_face(document)
        for place, face in own:
            name = document.label_of(face) or (document.name if face is lone else None)
            self.faces.append(
                (
                    face_id(face, place),
                    is_unnamed(document, face),
                    document.group_of(face),
                    document.apart_of(face),
                    marks_of(document, face, place, name),
                )
            )

    def sorted(self, model: str | None) -> StoredFaces:
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        starts = np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])
        each = [face for one in order for face in range(starts[one], starts[one + 1])]
        faces = [self.faces[face] for face in each]
        vectors = [self.vectors[one] for one in order]
        return StoredFaces(
            model=model,
            documents=[self.keys[one] for one in order],
            starts=np.concatenate([[0], np.cumsum([self.counts[one] for one in order], dtype=np.int64)]),
            vectors=normalized(np.concatenate(vectors)) if vectors else np.empty((0, 1), dtype=np.float32),
            ids=[key for key, *_ in faces],
            unnamed=np.array([unnamed for _, unnamed, *_ in faces], dtype=np.bool_),
            groups=[group for _, _, group, *_ in faces],
            apart={number: apart for number, (_, _, _, apart, _) in enumerate(faces) if apart},
            marks={number: marks for number, (*_, marks) in enumerate(faces) if marks},
            others=self.others,
        )


def read(hits: Iterable[dict[str, Any]], where: Searchable, model: str | None) -> StoredFaces:
    """
    Args:
        hits: of `every_document`.
        model: of which the faces are; a document that names none counts.
    """
    reading = _Reading()
    for hit in hits:
        reading.add(Document.of(hit, where), model)
    return reading.sorted(model)


def every_document(es: Elasticsearch, where: Searchable) -> Iterator[dict[str, Any]]:
    """Each document with faces, by pages of a point in time."""
    names = {one.at(name) for one in archives(where) for name in READ}
    found = every_hit(
        es,
        where.name,
        with_faces(where),
        # Elasticsearch 9 leaves vectors out unless it is told not to.
        source={"includes": sorted({*names, "person*"}), "exclude_vectors": False},
        seq_no_primary_term=True,
    )
    with closing(found) as hits:
        yield from hits


def with_faces(where: Searchable) -> dict[str, Any]:
    """A query for the documents that can be grouped.

    Raises:
        NoFaces: there are portraits alone.
    """
    return {"bool": {"should": [one.with_faces for one in archives(where)]}}


def model_of(es: Elasticsearch, where: Searchable) -> str | None:
    """The model whose faces are grouped: the one that the indices record, else that of their documents.

    Raises:
        MixedModels: the indices record several, or record none and hold several.
    """
    recorded = {facts["model"] for facts in where.recorded.values() if "model" in facts}
    return str(recorded.pop()) if len(recorded) == 1 else where.model(es)
