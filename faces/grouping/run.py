"""Groups the faces that nobody has named, and writes each one's group into its document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from elasticsearch import Elasticsearch

from faces.calibration.indices import shared
from faces.decisions.changing import Changed, Edit, rewrite
from faces.decisions.derived import is_unnamed
from faces.decisions.documents import Document, Key, face_id
from faces.grouping import stored
from faces.grouping.clustering import clustered
from faces.grouping.names import group_ids
from faces.grouping.neighbours import near, searches
from faces.grouping.pairs import Pairs
from faces.grouping.stored import StoredFaces
from faces.pages import count_of
from faces.searchable import Searchable
from ingest_service.errors import UserError

FEWEST = 2
"""Faces of a group, by default."""


class AnotherRun(UserError):
    """Another run writes other groups at the same time; the message says what to do."""


Track = Callable[[Iterable[Any], int | None, str], Iterable[Any]]
"""Passes results on and shows how many are done: of how many, if known, and what is done."""


@dataclass(frozen=True)
class Least:
    """How alike two parts of a group are at least, -1 to 1. pair: of their faces the two most similar; mean:
    all of them."""

    pair: float
    mean: float

    @classmethod
    def of(cls, where: Searchable, pair: float | None = None) -> Least:
        """A strong match, and in the mean a possible one, by the calibration of the indices, or else by their
        model's profile.

        Args:
            pair: in place of that of a strong match.
        """
        thresholds = shared(where.recorded).thresholds
        pair = thresholds.strong if pair is None else pair
        return cls(pair, min(pair, thresholds.possible))


@dataclass(frozen=True)
class Grouping:
    """The groups that the faces of an index make.

    groups: of each face; None without one.
    least: how alike the faces of a group are.
    """

    faces: StoredFaces
    groups: list[str | None]
    least: Least

    @property
    def sizes(self) -> dict[str, int]:
        """Faces of each group."""
        found: dict[str, int] = {}
        for group in self.groups:
            if group is not None:
                found[group] = found.get(group, 0) + 1
        return found

    def changes(self) -> dict[Key, range]:
        """The documents in which a face isn't in its group yet, with their faces' numbers."""
        each = (range(*ends) for ends in pairwise(self.faces.starts.tolist()))
        return {
            key: faces
            for key, faces in zip(self.faces.documents, each, strict=True)
            if any(self.groups[face] != self.faces.groups[face] for face in faces)
        }


def grouping(
    es: Elasticsearch,
    where: Searchable,
    pair: float | None = None,
    fewest: int = FEWEST,
    track: Track = lambda results, _total, _what: results,
) -> Grouping:
    """Finds the groups. Changes nothing.

    All faces take part, so that those which people named keep others apart; only those that nobody has named
    are in groups. In memory are the vectors, about 2 kB a face with 128 numbers in all, and the pairs.

    Args:
        pair: the lowest similarity of two faces by which groups are joined, as in `Least.of`.
        fewest: faces of a group.

    Raises:
        NoFaces: there are portraits alone.
        MixedModels: the indices have several models.
        SearchFailed: Elasticsearch can't search.
    """
    least = Least.of(where, pair)
    model = stored.model_of(es, where)
    total = count_of(es, where.name, stored.with_faces(where))
    faces = stored.read(track(stored.every_document(es, where), total, "reading"), where, model)
    parts = list(track(near(es, where, faces, least.pair), searches(faces), "searching"))
    clusters = clustered(faces.vectors, Pairs.of(parts), least.mean, faces.marks).tolist()
    of_unnamed = [
        cluster if unnamed else None for cluster, unnamed in zip(clusters, faces.unnamed, strict=True)
    ]
    return Grouping(faces, group_ids(of_unnamed, faces.groups, faces.ids, fewest), least)


def write(es: Elasticsearch, where: Searchable, found: Grouping, dry_run: bool = False) -> Iterator[Changed]:
    """Writes the groups; yields what became of each document that isn't right yet.

    A document that was changed meanwhile is read again: a face that was named, ignored or told apart since
    stays as it is. A killed run is made good by the next.

    Args:
        dry_run: changes nothing, and yields what would be changed.

    Raises:
        AnotherRun: a face has got another group since it was read. What is written by then is as good as what
            a killed run leaves.
        Others: as `faces.decisions.changing.change`.
    """
    changes = found.changes()

    def edit(document: Document) -> None:
        _regroup(document, found, changes[document.key])

    def prepare(_: Sequence[Document]) -> Edit:
        return edit

    yield from rewrite(es, where, changes, prepare, dry_run)


def _regroup(document: Document, found: Grouping, numbers: range) -> None:
    """Puts the faces of a document that are as they were read into their groups.

    Args:
        numbers: of its faces, in ``found``.
    """
    own = {found.faces.ids[number]: number for number in numbers}
    moving: list[tuple[dict[str, Any], str | None]] = []
    staying = set()
    for place, face in enumerate(document.faces):
        number = own.get(face_id(face, place))
        if number is None or document.apart_of(face) != found.faces.apart.get(number, []):
            staying.add(document.group_of(face))
        elif is_unnamed(document, face):
            _require_alone(document, face, found, number)
            moving.append((face, found.groups[number]))
        else:
            moving.append((face, None))
    for face, group in moving:
        # Nobody is on a photo twice: not where a face came since that is in the group already.
        document.set_group(face, None if group in staying else group)


def _require_alone(document: Document, face: dict[str, Any], found: Grouping, number: int) -> None:
    """
    Raises:
        AnotherRun: the face has a group that it hadn't when it was read, and that this run doesn't give it.
    """
    known = (None, found.faces.groups[number], found.groups[number])
    if found.faces.unnamed[number] and (group := document.group_of(face)) not in known:
        raise AnotherRun(
            f"another `faces group` writes other groups at the same time: it has put a face of "
            f"[{document.path}] into [{group}]. Run this again once that one has ended"
        )
