"""What a known photo's document still needs: another path, its folder's name, another try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from faces.indexing.contents import PhotoContent, location_of
from faces.indexing.outcomes import Outcome
from faces.indexing.stored_photos import StoredPhoto
from faces.partial_documents import document_of

WORTH_A_TRY = {"unavailable", "internal", "overloaded", "deadline_exceeded", "model_mismatch", "unauthorized"}
"""Codes of errors that aren't the photo's: sent again it may well be read."""
TIME, URL = "@timestamp", "url.original"


@dataclass(frozen=True)
class Change:
    """What is written into a known photo's document.

    fields: full name -> value; empty if nothing is written.
    send_image: whether the photo goes through the pipeline again.
    not_named: why the photo doesn't get the name that it was sent with.
    kept: fields whose sent value differs from the one that stands.
    """

    outcome: Outcome
    fields: dict[str, Any]
    send_image: bool = False
    not_named: str | None = None
    kept: tuple[str, ...] = ()

    def document(self, stored: StoredPhoto, image: Callable[[], str]) -> dict[str, Any]:
        """The partial document of an ``_update``."""
        image_field = {"image": image()} if self.send_image else {}
        return document_of(self.fields, stored.dotted) | image_field


def change_of(content: PhotoContent, stored: StoredPhoto, there: Callable[[str], bool]) -> Change:
    """How the document of a known photo changes, so that nothing that somebody wrote into it is lost.

    Args:
        there: whether the content is still under a path below the indexed folder.
    """
    change = _moved(content, stored, there) if content.is_file else Change(Outcome.UNCHANGED, {})
    change = _told(_named(change, content.photo.label, stored), content.photo.fields, stored)
    if stored.error_code in WORTH_A_TRY:
        return replace(change, send_image=True, outcome=Outcome.NEW)
    return change


def _moved(content: PhotoContent, stored: StoredPhoto, there: Callable[[str], bool]) -> Change:
    """With the path under which the content lies."""
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
    return Change(outcome, fields)


def replacement_of(content: PhotoContent, stored: StoredPhoto) -> Change:
    """How the document of a file that was changed on disk gets the new content. The pipeline keeps what
    people said about faces that are still there."""
    fields: dict[str, Any] = {"file.picture_hash": content.picture_hash()}
    if stored.dated_by:
        fields |= {"@timestamp": None, "photo.dated_by": None}
    change = _named(Change(Outcome.REPLACED, fields, send_image=True), content.photo.label, stored)
    return _told(change, content.photo.fields, stored)


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


def _told(change: Change, said: Mapping[str, Any], stored: StoredPhoto) -> Change:
    """With what the sender says and the document lacks: what stands may be what a person wrote there."""
    fields, kept = dict(change.fields), []
    for name, value in said.items():
        stands = stored.value(name)
        if name == TIME and (stored.undated or stored.dated_by):
            fields |= {name: value, "photo.dated_by": None}
        elif name == "tags":
            tags = [*_values(stands), *(tag for tag in _values(value) if tag not in _values(stands))]
            fields |= {name: tags} if len(tags) > len(_values(stands)) else {}
        elif not _values(stands) or (name == URL and change.outcome is Outcome.MOVED):
            fields[name] = value
        elif [str(one) for one in _values(stands)] != [str(one) for one in _values(value)]:
            kept.append(name)
    return replace(change, fields=fields, kept=tuple(kept))


def _values(value: Any) -> list[Any]:
    """Those of a field: one, several, or none."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _paths(paths: list[str]) -> dict[str, Any]:
    names = list(dict.fromkeys(PurePosixPath(path).name for path in paths))
    return {"file.path": paths, "file.name": names if len(names) > 1 else names[0]}


def _list(names: set[str]) -> str:
    return ", ".join(f"[{name}]" for name in sorted(names))
