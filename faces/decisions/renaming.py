"""One name for another, wherever it stands: labels, names of photos and portraits, who a face isn't, what
waits for a face, and the guesses, which name people of the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.documents import Document, Key
from faces.decisions.state import state_of_face
from faces.names import all_names, spellings, tidy
from faces.pages import every_hit
from faces.searchable import FaceField, Searchable

SAID = ("label.name", "not")
GUESSED = ("match.name", "candidates.name")


def keys_with(es: Elasticsearch, where: Searchable, name: str) -> Iterator[Key]:
    """The documents that may have the name anywhere, as they were when the first is read."""
    with closing(every_hit(es, where.name, standing(es, where, name), source=False)) as hits:
        for hit in hits:
            yield hit["_index"], hit["_id"]


def standing(es: Elasticsearch, where: Searchable, name: str) -> dict[str, Any]:
    """A query for the documents that may have the name anywhere."""
    return _within(where, _places(es, where, spellings(name)))


def count_with(es: Elasticsearch, where: Searchable, name: str) -> int:
    """In how many documents people said the name, or portraits have it. Guesses don't count."""
    names = spellings(name)
    said = [query for field in where.fields for query in _said(field, names)]
    return int(es.count(index=where.name, query=_within(where, said))["count"])


def rename(document: Document, old: str, new: str) -> None:
    """All of ``old`` becomes ``new``. Where a face is then labelled and ruled out as the same person, the
    label stays and the other goes: see `contradictions`."""
    if old in document.names:
        _rename_person(document, old, new)
    for face in [*document.faces, *document.unplaced]:
        said = state_of_face(face)
        if old in all_names(label := said.get("label")):
            face["label"] = {**_object(face.get("label")), "name": _renamed(label, old, new)}
        if old in (ruled_out := said.get("not", [])) or new in ruled_out:
            kept = [one for one in all_names(_renamed(ruled_out, old, new)) if not _is_label(face, one, new)]
            document.set_not(face, kept)
        for guess in [face.get("match"), *(face.get("candidates") or [])]:
            if isinstance(guess, dict) and old in all_names(guess.get("name")):
                guess["name"] = new


def contradictions(document: Document, old: str, new: str) -> list[dict[str, Any]]:
    """Faces of which people said that it is one of the two, and that it isn't the other."""
    both = {old, new}
    return [
        face
        for face in [*document.faces, *document.unplaced]
        if both & set(all_names(state_of_face(face).get("label"))) and both & set(document.not_of(face))
    ]


def _is_label(face: dict[str, Any], ruled_out: str, new: str) -> bool:
    return ruled_out == new and new in all_names(state_of_face(face).get("label"))


def _renamed(value: Any, old: str, new: str) -> Any:
    return tidy([new if one == old else one for one in all_names(value)])


def _rename_person(document: Document, old: str, new: str) -> None:
    person = document.source.get("person")
    if isinstance(person, list):
        document.source["person"] = [
            {**one, "name": _renamed(one.get("name"), old, new)} if isinstance(one, dict) else one
            for one in person
        ]
    else:
        document.set_name(_renamed(document.names, old, new))


def _object(label: Any) -> dict[str, Any]:
    return label if isinstance(label, dict) else {}


def _within(where: Searchable, places: list[dict[str, Any]]) -> dict[str, Any]:
    """Any of the queries, in indices that hold faces: others may have a field of this name."""
    holding = {"terms": {"_index": list(where.recorded)}}
    return {"bool": {"filter": [holding, {"bool": {"should": places}}]}}


def _places(es: Elasticsearch, where: Searchable, names: list[str]) -> list[dict[str, Any]]:
    places = []
    for field in where.fields:
        places += _said(field, names)
        if field.nested:
            places += [_of_faces(field, {"terms": {field.at(f"faces.{name}"): names}}) for name in GUESSED]
    # An index of an older release doesn't index candidates: all faces that have some are read there.
    if older := _without_candidates(es, where):
        matched = [
            _of_faces(field, {"exists": {"field": field.at("faces.best_similarity")}})
            for field in where.fields
            if field.nested
        ]
        places.append({"bool": {"filter": [{"terms": {"_index": older}}, {"bool": {"should": matched}}]}})
    return places


def _said(field: FaceField, names: list[str]) -> list[dict[str, Any]]:
    top = ["person.name", *(field.at(f"unplaced.{name}") for name in SAID)]
    found: list[dict[str, Any]] = [{"terms": {name: names}} for name in top]
    if field.nested:
        found += [_of_faces(field, {"terms": {field.at(f"faces.{name}"): names}}) for name in SAID]
    return found


def _of_faces(field: FaceField, query: dict[str, Any]) -> dict[str, Any]:
    return {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": query}}


def _without_candidates(es: Elasticsearch, where: Searchable) -> list[str]:
    names = [field.at("faces.candidates.name") for field in where.fields if field.nested]
    if not names:
        return []
    found = es.indices.get_field_mapping(index=where.name, fields=names)
    nested = {index for field in where.fields if field.nested for index in field.indices}
    return sorted(index for index in nested if not found.get(index, {}).get("mappings"))
