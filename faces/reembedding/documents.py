"""A document for the index of another model: all that people and senders gave, and new vectors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faces.decisions.derived import is_decided
from faces.decisions.documents import face_id
from faces.erasure.fields import Source, get, put
from faces.erasure.subject import Place
from faces.identifying.stored import GUESSES
from faces.names import all_names
from faces.reembedding.embedding import CROP
from faces.searchable import FaceField

Face = dict[str, Any]
SAID = ("label", "not", "apart", "ignored")


@dataclass(frozen=True)
class Stored:
    """A document as it was read.

    place: its faces; version: by which a later copy of it replaces an earlier one.
    """

    place: Place
    seq_no: int
    routing: str | None

    @classmethod
    def of(cls, hit: dict[str, Any], kinds: list[FaceField]) -> Stored:
        """From a hit of a search for whole documents.

        Args:
            kinds: the fields of its index that can hold faces.
        """
        places = [Place((hit["_index"], hit["_id"]), hit["_source"], kind) for kind in kinds]
        place = next((one for one in places if faces_of(one)), places[0])
        return cls(place, hit["_seq_no"], hit.get("_routing"))

    @property
    def id(self) -> str:
        return self.place.key[1]


def faces_of(place: Place) -> list[Face]:
    """The faces that a document has; of a portrait without one, none."""
    return [face for face in place.faces if face]


def missing_vectors(place: Place, vectors: Mapping[int, Any]) -> list[int]:
    """The positions of the faces that have none in ``vectors``, though they had one or have a place."""
    return [
        at
        for at, face in enumerate(place.faces)
        if at not in vectors and ("vector" in face or face.get("box") or face.get("crop"))
    ]


def kept_vectors(place: Place, earlier: Place | None, model: str) -> dict[int, Face]:
    """Position of a face -> the same face in an earlier copy, whose vector is right, as the photo and the box
    are the same."""
    if earlier is None or earlier.at("model.id") != model:
        return {}
    if earlier.at("file.hash.sha256") != place.at("file.hash.sha256"):
        return {}
    known = {face_id(face, at): face for at, face in enumerate(earlier.faces) if "vector" in face}
    found = {}
    for at, face in enumerate(place.faces):
        same = known.get(face_id(face, at))
        if same is not None and same.get("box") == face.get("box"):
            found[at] = same
    return found


def rewritten(
    place: Place,
    vectors: Mapping[int, list[float]],
    kept: Mapping[int, Face],
    earlier: Place | None,
    model: Mapping[str, Any],
    from_crop: bool,
) -> Source:
    """The document with other vectors, of a model. Guesses are of the old vectors and go, but where the face
    was guessed anew in an earlier copy. All else stays, in the spelling that it has.

    Args:
        vectors: position of a face -> its new vector.
        kept: position of a face -> the same face in ``earlier``, whose vector and guesses stay.
        model: ``id``, ``digest`` and ``precision``.
        from_crop: whether a vector comes from the stored crop.
    """
    source = copy.deepcopy(place.source)
    field = place.field
    if place.at("model.id") is not None:
        parts = dict(model)
        was_crop = bool(kept) and earlier is not None and earlier.at("model.source") == CROP
        for name in ("id", "digest", "precision"):
            put(source, field.at(f"model.{name}"), parts.get(name))
        put(source, field.at("model.source"), CROP if from_crop or was_crop else None)
    if not field.nested:
        known = {at: face["vector"] for at, face in kept.items()} | dict(vectors)
        put(source, field.vector, known.get(0))
        return source
    entries = [_entry(face, at, vectors, kept) for at, face in enumerate(place.faces)]
    if entries:
        put(source, field.at("faces"), entries)
        _count_guesses(source, field, entries)
    return source


def with_words_of(stands: Place, late: Place) -> Source:
    """A document that people work on already, with what was said meanwhile in the old index: names, tags and
    what was said of each face are added, and nothing that was said here is replaced."""
    source = copy.deepcopy(stands.source)
    if get(source, "person.name") is None and (name := get(late.source, "person.name")):
        put(source, "person.name", name)
    tags = list(dict.fromkeys([*all_names(get(source, "tags")), *all_names(get(late.source, "tags"))]))
    if tags:
        put(source, "tags", tags)
    if not stands.field.nested:
        return source
    said = {face_id(face, at): face for at, face in enumerate(late.faces)}
    entries = []
    for at, face in enumerate(stands.faces):
        entry = dict(face)
        for name in SAID:
            value = said.get(face_id(face, at), {}).get(name)
            if value and not entry.get(name):
                entry[name] = value
            elif name in ("not", "apart") and value:
                entry[name] = list(dict.fromkeys([*all_names(entry[name]), *all_names(value)]))
        entries.append(entry)
    if entries:
        put(source, stands.field.at("faces"), entries)
    return source


def _entry(face: Face, at: int, vectors: Mapping[int, list[float]], kept: Mapping[int, Face]) -> Face:
    """In the order of the fields that it has."""
    same = kept.get(at, {})
    entry = {name: value for name, value in face.items() if name not in (*GUESSES, "vector")}
    vector = vectors.get(at) or same.get("vector")
    entry |= {"vector": vector} if vector else {}
    return entry | {name: same[name] for name in GUESSES if same.get(name) is not None}


def _count_guesses(source: Source, field: FaceField, entries: list[Face]) -> None:
    """The numbers of the document that follow from the guesses."""
    guessed = [face for face in entries if face.get("best_similarity") is not None]
    best = max((face["best_similarity"] for face in guessed), default=None)
    undecided = sum(not is_decided(face) for face in guessed) if guessed else None
    put(source, field.at("best_similarity"), best)
    put(source, field.at("undecided_faces"), undecided)
