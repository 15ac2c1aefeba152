"""Which documents of a folder have lost their photo, and which of them can't be told to have."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from elasticsearch import AuthorizationException, Elasticsearch

from faces.decisions.documents import Key, read
from faces.pages import every_hit
from faces.pruning.said import Said, name_of_folder, said_in
from faces.pruning.source_folder import SourceFolder
from faces.refusals import PHOTO
from faces.searchable import Searchable

AT_ONCE = 100
PICTURES = ("*thumbnail", "vector", "*.vector", "*.crop")
"""What isn't read of a document, beside its photo."""
SAYING_WHERE = ("file.path", "file.path_hash", "url.original")
Why = Literal["said", "unreadable", "empty_folder", "elsewhere", "other_address", "moved"]


@dataclass(frozen=True)
class Missing:
    """A document whose photo isn't in the folder any more.

    names: the paths below the folder where it was.
    if_unchanged: its metadata in a bulk.
    said: what people said in it.
    sha256, size: of the photo; None if the document doesn't say.
    """

    key: Key
    path: str
    names: tuple[str, ...]
    if_unchanged: dict[str, Any]
    said: Said
    sha256: str | None
    size: int | None


@dataclass(frozen=True)
class Kept:
    """A document of the folder that stays though its photo isn't seen.

    why: ``said``: people said something in it. ``unreadable``: a folder above the photo can't be read.
        ``empty_folder``: nothing is where the photo was, as where a share isn't mounted. ``elsewhere``: it
        has a path or a place on disk that isn't this folder's. ``other_address``: its address isn't below
        the prefix. ``moved``: the folder has its content under another path.
    """

    key: Key
    path: str
    why: Why
    said: Said | None = None


@dataclass
class Pruning:
    """What a folder lacks of the photos that the index has of it.

    there: paths below the folder whose file is there.
    documents: how many the index has of this folder.
    untold: how many have a path, and don't say of which folder it is.
    """

    missing: list[Missing] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    documents: int = 0
    untold: int = 0

    @property
    def lost(self) -> int:
        """Documents without their photo, also those that stay for what people said."""
        return len(self.missing) + sum(one.why == "said" for one in self.kept)

    @property
    def is_suspicious(self) -> bool:
        """Whether more than half of the photos are gone, as where a share isn't mounted."""
        return 2 * self.lost > self.documents


@dataclass(frozen=True)
class Search:
    """
    seen: keys of the documents whose content was just found in the folder.
    url_prefix: documents whose ``url.original`` isn't below it are another source's; None: any.
    labels: whether `faces index --labels folder` names photos after their folders.
    empty_folders: whether photos in folders that are empty now count as gone.
    named: whether documents in which people said something may go, too.
    """

    es: Elasticsearch
    where: Searchable
    folder: SourceFolder
    seen: Collection[Key] = frozenset()
    url_prefix: str | None = None
    labels: bool = False
    empty_folders: bool = False
    named: bool = False

    def run(self) -> Pruning:
        """
        Raises:
            elasticsearch.ApiError, TransportError: Elasticsearch refuses, or a shard doesn't answer.
        """
        found = Pruning()
        with suppress(AuthorizationException):
            self.es.indices.refresh(index=self.where.name)
        with closing(self._lost(found)) as lost:
            while page := list(islice(lost, AT_ONCE)):
                for one in self._read(dict(page)):
                    if one.said and not self.named:
                        found.kept.append(Kept(one.key, one.path, "said", one.said))
                    else:
                        found.missing.append(one)
        return found

    def _lost(self, found: Pruning) -> Generator[tuple[Key, tuple[str, ...]], None, None]:
        """Documents whose file isn't there, and their paths below the folder. ``found`` gets all others."""
        hits = every_hit(
            self.es,
            self.where.name,
            {"exists": {"field": "file.path"}},
            source=False,
            fields=[{"field": name} for name in SAYING_WHERE],
        )
        with closing(hits):
            for hit in hits:
                names = self._sorted(hit, found)
                if names:
                    yield (hit["_index"], hit["_id"]), names

    def _sorted(self, hit: dict[str, Any], found: Pruning) -> tuple[str, ...]:
        """The paths below the folder of a document whose file isn't there; none of any other."""
        fields, key = hit.get("fields", {}), (hit["_index"], hit["_id"])
        paths, locations = texts(fields.get("file.path")), texts(fields.get("file.path_hash"))
        names = self._below(paths, locations)
        if not names:
            found.untold += not locations and not any(path.startswith("/") for path in paths)
            return ()
        found.documents += 1
        places = {name: self.folder.place_of(name) for name in names}
        there = {name for name, place in places.items() if place == "there"}
        found.there |= there
        if there or key in self.seen:
            return ()
        why = self._why_kept(set(places.values()))
        if why is None and not self._has_address(texts(fields.get("url.original"))):
            why = "other_address"
        if why is None and self._is_elsewhere(paths, names, locations):
            why = "elsewhere"
        if why:
            found.kept.append(Kept(key, paths[0], why))
            return ()
        return names

    def _below(self, paths: Sequence[str], locations: Sequence[str]) -> tuple[str, ...]:
        """Those of a document's paths that are below the folder, as paths below it."""
        return tuple(name for path in paths if (name := self.folder.below(path, locations)))

    def _is_elsewhere(self, paths: Sequence[str], names: Sequence[str], locations: Sequence[str]) -> bool:
        """Whether a document has a path or a place on disk that isn't this folder's.

        `faces index` keeps the paths where a photo was before, behind the one where it is. One before that is
        another sender's.
        """
        if not locations:
            return len(names) < len(paths)
        places = {self.folder.location(name) for name in names}
        return paths[0] not in names or bool(set(locations) - places)

    def _has_address(self, urls: Sequence[str]) -> bool:
        return self.url_prefix is None or any(url.startswith(self.url_prefix) for url in urls)

    def _why_kept(self, places: Collection[str]) -> Why | None:
        """Why a photo that isn't seen may be there all the same."""
        if "unreadable" in places:
            return "unreadable"
        return "empty_folder" if "empty_folder" in places and not self.empty_folders else None

    def _read(self, lost: dict[Key, tuple[str, ...]]) -> Iterator[Missing]:
        """The documents as they are now, but for those that are gone or that got other paths meanwhile."""
        photos = sorted({str(recorded.get("field") or PHOTO) for recorded in self.where.recorded.values()})
        source = {"excludes": [*photos, *PICTURES]}
        for document in read(self.es, self.where, list(lost), source):
            names, file = lost[document.key], document.source.get("file") or {}
            if names != self._below(texts(file.get("path")), texts(file.get("path_hash"))):
                continue
            size = document.get("file.size")
            yield Missing(
                document.key,
                document.path,
                names,
                document.if_unchanged,
                said_in(document, name_of_folder(names[0]) if self.labels else None),
                document.get("file.hash.sha256"),
                size if isinstance(size, int) else None,
            )


def texts(value: Any) -> list[str]:
    """The values of a field: one, several, or none."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one) for one in values]
