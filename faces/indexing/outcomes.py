"""What became of each photo, and how many had which outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from faces.photos import PhotoFile


class Outcome(Enum):
    """What became of a photo."""

    NEW = "new"
    """It has a document that it didn't have, or that had an error which another try has mended."""
    UNCHANGED = "unchanged"
    """The index has its content under this path."""
    MOVED = "moved"
    """The index has its content under another path, where it isn't any more."""
    COPIED = "copies"
    """The index has its content under another path too."""
    REPLACED = "replaced"
    """The file was changed, and its new content has taken the document of the old one."""
    SKIPPED = "skipped"
    """It isn't a photo."""
    FAILED = "failed"
    """Elasticsearch doesn't have it."""


@dataclass(frozen=True)
class IndexedPhoto:
    """The outcome of one photo.

    key: the index and the id of its document; None if it has none.
    faces: how many faces were found.
    code: of ``error``: one that the document has, or a key of ``faces.indexing.remedies.REMEDIES``.
    error: why it isn't stored, or the error that it is stored with.
    notice: what else the sender must know, such as that the file changed.
    not_named: why it didn't get the name that it was sent with; None if it did, or was sent without.
    kept: fields whose sent value differs from the one that stands, which was kept.
    """

    photo: PhotoFile
    outcome: Outcome
    key: tuple[str, str] | None = None
    faces: int = 0
    code: str | None = None
    error: str | None = None
    notice: str | None = None
    not_named: str | None = None
    kept: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        """Whether Elasticsearch has it."""
        return self.key is not None


def failed(photo: PhotoFile, code: str, error: str) -> IndexedPhoto:
    """The outcome of a photo that Elasticsearch doesn't have."""
    return IndexedPhoto(photo, Outcome.FAILED, code=code, error=error)


@dataclass
class IndexingCounts:
    """How many photos had which outcome.

    stored: photos that Elasticsearch has, ``unreadable`` ones included; copies of one photo count once, as in
        the next three.
    with_faces: stored photos with at least one face.
    faces: the faces of all photos.
    unreadable: photos that are stored with an error.
    not_named: photos that didn't get the name that they were sent with.
    kept: field -> number of photos that keep another value of it than they were sent with.
    keys: of the documents of the stored photos.
    """

    stored: int = 0
    with_faces: int = 0
    faces: int = 0
    unreadable: int = 0
    not_named: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    keys: set[tuple[str, str]] = field(default_factory=set)

    @property
    def not_stored(self) -> int:
        """Photos that Elasticsearch doesn't have."""
        return self.outcomes[Outcome.FAILED]

    def add(self, photo: IndexedPhoto) -> None:
        self.outcomes[photo.outcome] += 1
        self.not_named += photo.not_named is not None
        self.kept.update(photo.kept)
        if photo.key is None or photo.key in self.keys:
            return
        self.keys.add(photo.key)
        self.stored += 1
        self.with_faces += photo.faces > 0
        self.faces += photo.faces
        self.unreadable += photo.error is not None

    def skip(self, files: int) -> None:
        """Counts files that weren't sent."""
        self.outcomes[Outcome.SKIPPED] += files

    def by_outcome(self) -> dict[str, int]:
        """Outcome -> number of files, with all outcomes."""
        return {outcome.value: self.outcomes[outcome] for outcome in Outcome}

    def as_json(self) -> dict[str, Any]:
        return {
            "photos": self.stored,
            "with_faces": self.with_faces,
            "faces": self.faces,
            "unreadable": self.unreadable,
            "not_stored": self.not_stored,
            **self.by_outcome(),
            "not_named": self.not_named,
            "kept": dict(self.kept),
        }
