"""What a known photo's document still needs: another path, its folder's name, another try."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from faces.indexing.contents import PhotoContent, location_of
from faces.indexing.outcomes import Outcome
from faces.indexing.stored_photos import StoredPhoto

WORTH_A_TRY = {"unavailable", "internal", "overloaded", "deadline_exceeded", "model_mismatch", "unauthorized"}
"""Codes of errors that aren't the photo's: sent again it may well be read."""


@dataclass(frozen=True)
class Change:
    """What is written into a known photo's document.

    fields: full name -> value; empty if nothing is written.
    send_image: whether the photo goes through the pipeline again.
    not_named: why the photo doesn't get its folder's name.
    """

    outcome: Outcome
    fields: dict[str, Any]
    send_image: bool = False
    not_named: str | None = None

    def document(self, stored: StoredPhoto, image: Callable[[], str]) -> dict[str, Any]:
        """The partial document of an ``_update``."""
        image_field = {"image": image()} if self.send_image else {}
        return document_of(self.fields, stored.dotted) | image_field


def change_of(content: PhotoContent, stored: StoredPhoto, there: Callable[[str], bool]) -> Change:
    """How the document of a known photo changes, so that nothing that somebody wrote into it is lost.

    Args:
        there: whether the content is still under a path below the indexed folder.
    """
    path, root = content.photo.name, folder_of(content)
    known_here = content.location in stored.locations
    gone = [
        old
        for old in stored.paths
        if old != path and location_of(root / old) in stored.locations and not there(old)
    ]
    fields: dict[str, Any] = {}
    if path not in stored.paths or gone:
        paths = [path, *(old for old in stored.paths if old != path)] if gone else [*stored.paths, path]
        fields |= _paths(paths)
    if not known_here or gone:
        left = {location_of(root / old) for old in gone}
        fields["file.path_hash"] = [*(set(stored.locations) - left - {content.location}), content.location]
    if path in stored.paths:
        outcome = Outcome.UNCHANGED
    elif gone:
        outcome = Outcome.MOVED
    else:
        outcome = Outcome.UNCHANGED if known_here else Outcome.COPIED
    change = _named(Change(outcome, fields), content.photo.label, stored)
    if stored.error_code in WORTH_A_TRY:
        return replace(change, send_image=True, outcome=Outcome.NEW)
    return change


def replacement_of(content: PhotoContent, stored: StoredPhoto) -> Change:
    """How the document of a file that was changed on disk gets the new content. The pipeline keeps what
    people said about faces that are still there."""
    fields: dict[str, Any] = {"file.picture_hash": content.picture_hash()}
    if stored.dated_by:
        fields |= {"@timestamp": None, "photo.dated_by": None}
    return _named(Change(Outcome.REPLACED, fields, send_image=True), content.photo.label, stored)


def document_of(fields: dict[str, Any], dotted: Collection[str] = ()) -> dict[str, Any]:
    """A document with these fields, by their full names; those of ``dotted`` under one key with dots."""
    document: dict[str, Any] = {name: value for name, value in fields.items() if name in dotted}
    for name, value in fields.items():
        if name not in dotted:
            _put(document, name, value)
    return document


def folder_of(content: PhotoContent) -> Path:
    """The folder that is indexed: the photo's name is a path below it."""
    return content.photo.path.parents[len(PurePosixPath(content.photo.name).parts) - 1]


def _named(change: Change, label: str | None, stored: StoredPhoto) -> Change:
    """With the folder's name, if nobody has said anything else about the photo."""
    if label is None or label in stored.names | stored.corrected:
        return change
    if stored.names:
        return replace(change, not_named=f"it is named {_list(stored.names)} already, not [{label}]")
    if label in stored.ruled_out:
        return replace(change, not_named=f"somebody said that it doesn't show [{label}]")
    if stored.labels and stored.faces == 1:
        if label in stored.labels:
            return change
        return replace(change, not_named=f"its face is labelled {_list(stored.labels)}, not [{label}]")
    return replace(change, fields=change.fields | {"person.name": label})


def _paths(paths: list[str]) -> dict[str, Any]:
    names = list(dict.fromkeys(PurePosixPath(path).name for path in paths))
    return {"file.path": paths, "file.name": names if len(names) > 1 else names[0]}


def _list(names: set[str]) -> str:
    return ", ".join(f"[{name}]" for name in sorted(names))


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        document = document.setdefault(part, {})
    document[last] = value
