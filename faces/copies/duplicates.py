"""Photos that an index has several times: the same bytes, and near-identical pictures.

An index of any size is read by pages. What takes memory is one page, the index and the id of each photo that
has a copy (about 300 bytes), and one group while it is described.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from elasticsearch import Elasticsearch

from faces.buckets import every_bucket
from faces.copies import fingerprints
from faces.copies.evidence import Evidence, bits_between
from faces.copies.groups import Groups
from faces.copies.pictures import Picture, PictureDocument, photos
from faces.decisions.documents import Key, of_keys
from faces.many_searches import search_all
from faces.pages import every_hit
from faces.photo_hashes import hash_fields, of_content
from faces.searchable import Searchable, below, refresh

AT_ONCE = 200
"""Hashes, searches or documents in one request."""
FEW, MANY = 10, 1_000
"""Near photos that are asked for of each; and of one that has so many."""
PATH = "file.path"
Track = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class DuplicateFile:
    """A file, or a photo that was sent without a path.

    known: how it is known to be a copy of the first of its group; None of that one itself.
    """

    photo: PictureDocument
    path: str | None
    known: Evidence | None

    def as_json(self) -> dict[str, Any]:
        said = {name: value for name, value in self.photo.as_json().items() if name != "paths"}
        return said | {"path": self.path, "known": self.known.words if self.known else None}


@dataclass(frozen=True)
class DuplicateGroup:
    """Files of one picture: the largest picture and, of equal ones, the earliest first."""

    files: tuple[DuplicateFile, ...]

    @property
    def saved(self) -> int:
        """Bytes of all files but the first."""
        return sum(file.photo.size for file in self.files[1:])

    def as_json(self) -> dict[str, Any]:
        return {"photos": [file.as_json() for file in self.files], "bytes": self.saved}


@dataclass
class _Found:
    """files: of documents with several."""

    groups: Groups[Key] = field(default_factory=Groups)
    files: dict[Key, int] = field(default_factory=dict)

    def ordered(self) -> list[list[Key]]:
        """Groups with the most files first."""

        def order(keys: list[Key]) -> tuple[int, Key]:
            return -sum(self.files.get(key, 1) for key in keys), min(keys)

        return sorted(self.groups.all(), key=order)


def grouped(
    es: Elasticsearch, where: Searchable, exact: bool = False, track: Track = iter
) -> list[list[Key]]:
    """The documents of each picture that ``where`` has several times; those with the most files first.

    Near-identical are pictures whose fingerprints differ in at most `fingerprints.SAME_PHOTO_BITS` bits; what
    is near to one of a group belongs to it. Of more than ``MANY`` that are near to one photo, a group may
    have a part only.

    Args:
        exact: only the same bytes.
        track: is passed the documents with a fingerprint as they are compared, and passes them on.
    """
    refresh(es, where)
    found = _Found()
    hashes = _hashes_with_copies(es, where)
    while some := list(islice(hashes, AT_ONCE)):
        _join_same_bytes(es, where, some, found)
    if not exact:
        hits = iter(track(_with_fingerprint(es, where)))
        while page := list(islice(hits, AT_ONCE)):
            _join_near(es, where, page, found.groups)
    return found.ordered()


def described(es: Elasticsearch, where: Searchable, groups: Iterable[list[Key]]) -> Iterator[DuplicateGroup]:
    """The groups with their files, in the same order; those of which meanwhile only one file is left are left
    out."""
    for some in _batches(groups):
        query = of_keys(key for keys in some for key in keys)
        found = {photo.key: photo for photo in photos(es, where, query, pictures=False)}
        for keys in some:
            files = tuple(_files([found[key] for key in keys if key in found]))
            if len(files) > 1:
                yield DuplicateGroup(files)


def _hashes_with_copies(es: Elasticsearch, where: Searchable) -> Iterator[str]:
    """Of photos with several documents, or several files in one."""
    here = {"terms": {"_index": sorted(where.recorded)}}
    paths = es.field_caps(index=where.name, fields=PATH)["fields"].get(PATH, {})
    # Somebody's own index may have paths that Elasticsearch doesn't count.
    countable = bool(paths) and all(kind["aggregatable"] for kind in paths.values())
    files = {"files": {"value_count": {"field": PATH}}} if countable else None
    each = [every_bucket(es, where.name, name, here, within=files) for name in hash_fields(where)]
    for sha256, buckets in groupby(heapq.merge(*each, key=itemgetter(0)), key=itemgetter(0)):
        counts = [max(bucket["doc_count"], bucket["files"]["value"] if files else 0) for _, bucket in buckets]
        if sum(counts) > 1:
            yield sha256


def _join_same_bytes(es: Elasticsearch, where: Searchable, hashes: list[str], found: _Found) -> None:
    same: dict[str, list[Key]] = defaultdict(list)
    for photo in photos(es, where, of_content(where, hashes), pictures=False):
        same[str(photo.picture.sha256)].append(photo.key)
        if len(photo.paths) > 1:
            found.files[photo.key] = len(photo.paths)
    for keys in same.values():
        if len(keys) > 1 or keys[0] in found.files:
            found.groups.join(keys)


def _with_fingerprint(es: Elasticsearch, where: Searchable) -> Iterator[dict[str, Any]]:
    source = {"includes": list(fingerprints.fields(where)), "exclude_vectors": False}
    query = fingerprints.with_fingerprint(where)
    return every_hit(es, where.name, query, size=AT_ONCE, source=source)


def _join_near(es: Elasticsearch, where: Searchable, page: list[dict[str, Any]], groups: Groups[Key]) -> None:
    wanted = [(hit, bits) for hit in page if (bits := _fingerprint(hit, where))]
    for size in (FEW, MANY):
        bodies = [_near(where, bits, size) for _, bits in wanted]
        answers = list(zip(wanted, search_all(es, where.name, bodies), strict=True))
        for (hit, _), near in answers:
            keys = dict.fromkeys((one["_index"], one["_id"]) for one in (hit, *near))
            if len(keys) > 1:
                groups.join(keys)
        wanted = [asked for asked, near in answers if len(near) == size]


def _near(where: Searchable, bits: str, size: int) -> dict[str, Any]:
    query = fingerprints.near(where, bits, size)
    return {"query": query, "size": size, "_source": False, "track_total_hits": False}


def _fingerprint(hit: dict[str, Any], where: Searchable) -> str | None:
    stored = (below(hit["_source"], name) for name in fingerprints.fields(where))
    return next((bits for one in stored if (bits := fingerprints.hexadecimal(one))), None)


def _batches(groups: Iterable[list[Key]]) -> Iterator[list[list[Key]]]:
    """Several groups, until they have ``AT_ONCE`` documents; a larger one comes alone."""
    some: list[list[Key]] = []
    for keys in groups:
        if some and sum(map(len, some)) + len(keys) > AT_ONCE:
            yield some
            some = []
        some.append(keys)
    if some:
        yield some


def _files(documents: list[PictureDocument]) -> Iterator[DuplicateFile]:
    documents = sorted(documents, key=lambda photo: photo.order)
    for photo in documents:
        for position, path in enumerate(photo.paths or (None,)):
            is_first = photo is documents[0] and position == 0
            known = None if is_first else _known(documents[0].picture, photo.picture)
            yield DuplicateFile(photo, path, known)


def _known(first: Picture, other: Picture) -> Evidence:
    bits = bits_between(first, other)
    same = first.sha256 is not None and first.sha256 == other.sha256
    return Evidence("same bytes" if same else "near-identical", bits)
