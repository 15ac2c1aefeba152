"""Who in a gallery faces look like: the plugin's ``PeopleSearch``, from outside of Elasticsearch.

People are found by their portraits nearest to a face, and then compared by all of their portraits: the
similarity is that to the mean of these portraits' vectors, each of length 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from faces.identifying.portraits import Found, Portrait, Portraits, Unit, dot, unit
from faces.many_searches import search_all
from faces.names import spellings

MOST_PORTRAITS = 100
"""Of a person with more the newest count."""
FEW_PORTRAITS = 20
"""Most people have fewer, and then one search finds those of all."""
MOST_AT_ONCE = 2_000
"""Portraits of people that are compared together."""
MOST_ROUNDS = 10
"""How often a face's nearest portraits are searched for, where a few people have all that were found."""


@dataclass(frozen=True)
class LikePerson:
    """
    name: None for a portrait without one, which counts as a person of its own.
    similarity: to the mean of the portraits' vectors: a cosine, -1 to 1, rounded to six places.
    nearest: of their portraits.
    tags: of all of their portraits.
    """

    name: str | None
    similarity: float
    nearest: Portrait
    tags: tuple[str, ...]


@dataclass(frozen=True)
class _Template:
    """A person: the mean of their portraits, and these."""

    mean: Unit
    portraits: Sequence[Portrait]

    @classmethod
    def of(cls, portraits: Iterable[Portrait]) -> _Template:
        own = list(portraits)
        return cls(unit(np.sum([portrait.vector for portrait in own], axis=0)), own)

    def seen_by(self, face: Unit) -> LikePerson:
        nearest = max(self.portraits, key=lambda portrait: dot(portrait.vector, face))
        tags = dict.fromkeys(tag for portrait in self.portraits for tag in portrait.tags)
        return LikePerson(nearest.name, round(dot(self.mean, face), 6), nearest, tuple(tags))


@dataclass(eq=False)
class _Face:
    """A face, and what is near it.

    near: the portraits of each person, nearest person first; nameless: portraits without a name.
    similar: by name, those near it that were compared with it and are similar enough.
    """

    vector: Unit
    near: dict[str, dict[Found, Portrait]] = field(default_factory=lambda: defaultdict(dict))
    nameless: dict[Found, Portrait] = field(default_factory=dict)
    similar: dict[str, LikePerson] = field(default_factory=dict)

    def add(self, found: Found, portrait: Portrait) -> None:
        (self.nameless if portrait.name is None else self.near[portrait.name])[found] = portrait

    @property
    def people(self) -> int:
        return len(self.near) + len(self.nameless)


class PeopleSearch:
    """
    Args:
        gallery: index, alias, pattern, or several of them.
        model: only portraits of this one are searched.
        least: the least similarity of a person.
        k: the most people for a face.
        filters: queries that a portrait must match.
    """

    def __init__(
        self,
        es: Elasticsearch,
        gallery: str,
        model: str,
        least: float,
        k: int,
        filters: Sequence[dict[str, Any]] = (),
    ) -> None:
        self._es = es
        self._gallery = gallery
        self._portraits = Portraits(es)
        self._least = least
        self._k = k
        # The mean puts people in another order than the nearest portrait, so more are compared than wanted.
        self._candidates = 2 * k
        self._filters = [*filters, {"term": {"model.id": model}}]

    def find(self, vectors: Sequence[Any]) -> list[list[LikePerson]]:
        """The people of each face, most similar first.

        Args:
            vectors: (dims,) each, of any length.

        Raises:
            SearchFailed: Elasticsearch can't search the gallery.
        """
        faces = [_Face(unit(vector)) for vector in vectors]
        self._find_near(faces)
        self._compare(faces)
        return [self._people(face) for face in faces]

    def _find_near(self, faces: Sequence[_Face]) -> None:
        """Finds the portraits near each face, again without the people that were found if these are too
        few."""
        size = 2 * self._candidates
        for _ in range(MOST_ROUNDS):
            if not faces:
                return
            found = self._search({"query": self._knn(face, size), "size": size} for face in faces)
            read = self._portraits.read(one for of_face in found for one in of_face)
            crowded = []
            for face, near in zip(faces, found, strict=True):
                before = face.people
                for one in near:
                    if one in read:
                        face.add(one, read[one])
                if len(near) == size and before < face.people < self._k:
                    crowded.append(face)
            faces = crowded

    def _compare(self, faces: Sequence[_Face]) -> None:
        """Reads all portraits of the people near the faces, and compares each face with each person near
        it."""
        names = list(dict.fromkeys(name for face in faces for name in self._near(face)))
        if not names:
            return
        # One search for all of them, unless they have very many portraits together.
        most = min(len(names) * FEW_PORTRAITS, MOST_AT_ONCE)
        found = self._newest([names], most)
        if len(found) < most:
            self._compare_with(faces, names, found)
            return
        together = MOST_AT_ONCE // MOST_PORTRAITS
        for start in range(0, len(names), together):
            some = names[start : start + together]
            self._compare_with(faces, some, self._newest([[name] for name in some], MOST_PORTRAITS))

    def _compare_with(self, faces: Sequence[_Face], names: Sequence[str], found: Sequence[Found]) -> None:
        own: dict[str, list[Portrait]] = defaultdict(list)
        for portrait in self._portraits.read(found).values():
            if portrait.name is not None and len(own[portrait.name]) < MOST_PORTRAITS:
                own[portrait.name].append(portrait)
        templates = {name: _Template.of(portraits) for name, portraits in own.items() if portraits}
        wanted = set(names)
        for face in faces:
            for name in self._near(face):
                if name in wanted:
                    # One whose name can't be searched for counts with the portraits near the face.
                    template = templates.get(name) or _Template.of(face.near[name].values())
                    person = template.seen_by(face.vector)
                    if person.similarity >= self._least:
                        face.similar[name] = person

    def _near(self, face: _Face) -> Iterator[str]:
        """The names of the people near a face that it is compared with, nearest first."""
        return islice(face.near, self._candidates)

    def _people(self, face: _Face) -> list[LikePerson]:
        named = [face.similar[name] for name in self._near(face) if name in face.similar]
        nameless = [_Template.of([portrait]).seen_by(face.vector) for portrait in face.nameless.values()]
        alike = [*named, *(person for person in nameless if person.similarity >= self._least)]
        return sorted(alike, key=lambda person: -person.similarity)[: self._k]

    def _knn(self, face: _Face, size: int) -> dict[str, Any]:
        known: list[dict[str, Any]] = [{"bool": {"must_not": _named(face.near)}}] if face.near else []
        return {
            "knn": {
                "field": "vector",
                "query_vector": face.vector.tolist(),
                "k": size,
                "num_candidates": max(100, 10 * self._k),
                # With half of the similarity nobody is missed whose portraits have a mean similarity of 0.25
                # or more to each other: the mean is more similar than the best of portraits that differ.
                "similarity": self._least / 2 if self._least > 0 else self._least,
                "filter": [*self._filters, *known],
            }
        }

    def _newest(self, names_of_searches: Sequence[Sequence[str]], most: int) -> list[Found]:
        """For each search the newest portraits of these people."""
        newest_first = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
        found = self._search(
            {
                "query": {"bool": {"filter": [*self._filters, _named(names)]}},
                "sort": newest_first,
                "size": most,
            }
            for names in names_of_searches
        )
        return list(dict.fromkeys(one for of_search in found for one in of_search))

    def _search(self, bodies: Iterable[dict[str, Any]]) -> list[list[Found]]:
        common = {"_source": False, "seq_no_primary_term": True, "track_total_hits": False}
        answers = search_all(self._es, self._gallery, [body | common for body in bodies])
        return [[Found.of(hit) for hit in hits] for hits in answers]


def _named(names: Iterable[str]) -> dict[str, Any]:
    """Portraits of these names, in either form of Unicode."""
    return {"terms": {"person.name": sorted({one for name in names for one in spellings(name)})}}
