"""A person to search for: by their portraits in a gallery, or by faces in an archive that people labelled."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from faces.error_rates.similarity import normalized
from faces.explore.stored_faces import FIELDS, of_document, stored
from faces.names import UnknownPerson, nfc, spellings
from faces.searchable import FaceField, Searchable, newest_first

MOST = 100
"""Faces that a person is searched by, the newest, as `identify` does it."""
NAMES = 10_000
"""Among so many of an index, the most frequent, a name near an unknown one is looked for."""
NEAR = 5


@dataclass(frozen=True)
class Person:
    """
    where: the index, alias or pattern with the faces; portraits: whether they are a gallery's.
    faces: how many, at most `MOST`.
    vector: (dims,) the mean of their vectors, of length 1: what `identify` compares a face with.
    thumbnail: base64 JPEG of the newest photo, if stored.
    """

    name: str
    where: str
    portraits: bool
    faces: int
    vector: tuple[float, ...]
    thumbnail: str | None

    @property
    def description(self) -> str:
        kind = "portrait" if self.portraits else "labelled face"
        faces = f"the only {kind}" if self.faces == 1 else f"the mean of {self.faces} {kind}s"
        return f"[{self.name}], {faces} in [{self.where}]"

    def as_json(self) -> dict[str, Any]:
        by = "portraits" if self.portraits else "labels"
        return {"name": self.name, "index": self.where, "by": by, "faces": self.faces}


def find_person(es: Elasticsearch, name: str, model: str | None, places: Sequence[Searchable]) -> Person:
    """The person, from the first of ``places`` that has their faces.

    Args:
        name: exact, but for blanks at its ends and the form of Unicode.
        model: the faces' model, if it is known; vectors of another one can't be compared.

    Raises:
        UnknownPerson: nobody has this name there, or only with faces of another model.
    """
    wanted = nfc(name).strip()
    if not wanted:
        raise UnknownPerson("the name of the person is empty")
    for place in places:
        for field in place.fields:
            if found := _person(es, wanted, model, place, field):
                return found
    listed = " nor ".join("any index" if place.name == "*" else f"[{place.name}]" for place in places)
    if model and any(_person(es, wanted, None, place, field) for place in places for field in place.fields):
        raise UnknownPerson(
            f"[{wanted}] has no face of model [{model}] in {listed}, but of another model, which can't be "
            "compared: send the photos again"
        )
    names = {one for place in places for field in place.fields for one in names_of(es, place, field)}
    instead = did_you_mean(wanted, names) or "`faces list people` lists the names"
    raise UnknownPerson(f"nobody is called [{wanted}] in {listed}: {instead}")


def _person(
    es: Elasticsearch, name: str, model: str | None, place: Searchable, field: FaceField
) -> Person | None:
    at = field.at
    # A portrait below a target field has its name in the sender's field alone.
    named = [{"terms": {said: spellings(name)}} for said in (at("people"), "person.name")]
    filters: list[dict[str, Any]] = [field.with_faces, {"bool": {"should": named}}]
    filters += [{"term": {at("model.id"): model}}] if model else []
    hits = es.search(
        index=place.name,
        query={"bool": {"filter": filters}},
        size=MOST,
        sort=newest_first(field),
        # Elasticsearch 9 leaves vectors out unless it is told not to.
        source={"includes": [*stored(field), at("thumbnail")], "exclude_vectors": False},
        fields=[*FIELDS, {"field": at("thumbnail")}],
        track_total_hits=False,
    )["hits"]["hits"]
    vectors, thumbnail = [], None
    for hit in hits:
        own = [vector for face, vector in of_document(hit, field) if face.name == name]
        if own and thumbnail is None:
            thumbnail = next(iter(hit.get("fields", {}).get(at("thumbnail"), [])), None)
        vectors += own
    if not vectors:
        return None
    units = normalized(np.array(vectors[:MOST], dtype=np.float32))
    (mean,) = normalized(units.mean(axis=0, keepdims=True))
    return Person(
        name=name,
        where=place.name,
        portraits=not field.nested,
        faces=len(units),
        vector=tuple(mean.tolist()),
        thumbnail=thumbnail,
    )


def names_of(es: Elasticsearch, place: Searchable, field: FaceField) -> set[str]:
    """The most frequent names that people gave there."""
    counted = {"terms": {"field": field.at("people"), "size": NAMES}}
    answer = es.search(index=place.name, size=0, query=field.with_faces, aggs={"names": counted})
    return {nfc(str(bucket["key"])) for bucket in answer["aggregations"]["names"]["buckets"]}


def did_you_mean(name: str, names: set[str]) -> str | None:
    """A question with the names nearest to an unknown one; None if none is near."""
    near = _near(name, names)
    return f"did you mean {' or '.join(f'[{one}]' for one in near)}?" if near else None


def _near(name: str, names: set[str]) -> list[str]:
    """Those that differ in capitals only, or else in a few letters."""
    folded: dict[str, list[str]] = {}
    for one in sorted(names):
        folded.setdefault(one.casefold(), []).append(one)
    if name.casefold() in folded:
        return folded[name.casefold()][:NEAR]
    close = difflib.get_close_matches(name.casefold(), folded, NEAR)
    return [one for key in close for one in folded[key]][:NEAR]
