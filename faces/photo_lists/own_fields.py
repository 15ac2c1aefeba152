"""What a line of a list says about its photo, as fields of a document by their full names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

MACHINE_FIELDS = (
    *("image", "vector", "face", "faces", "thumbnail", "error", "model", "unplaced"),
    *("face_count", "best_quality", "best_similarity", "unnamed_faces", "undecided_faces"),
    *("people", "matched_people", "matched_tags", "candidate_people", "candidate_tags", "face_groups"),
    *("photo.width", "photo.height", "photo.taken", "photo.fingerprint", "photo.faces_found"),
    *("photo.dated_by", "person.sent_name", "file.hash", "file.path_hash", "file.picture_hash"),
    *("event.ingested", "event.lag", "event.duration", "event.outcome"),
)
"""Fields that the pipeline, the mapping or `faces index` writes: no list does."""
OF_FILES = ("file.path", "file.name")
"""Written from a photo's path, where it has one."""
DEEPEST = 20
"""Objects within each other, as in a mapping of Elasticsearch (`index.mapping.depth.limit`)."""


class NotAField(ValueError):
    """A name or a value that no document takes; the message says which and why."""


def own_fields(values: dict[str, Any], in_file: bool) -> dict[str, Any]:
    """Full name -> value, without empty ones.

    Args:
        values: by names that may have dots, and with objects in them.
        in_file: whether the photo has a path.

    Raises:
        NotAField: a name is one of ours, or is none.
    """
    found: dict[str, Any] = {}
    for name, value in _leaves(values):
        if not all(name.split(".")):
            raise NotAField(f"[{name}] is no name of a field")
        ours = next((field for field in _ours(in_file) if is_at_or_below(field, name)), None)
        if ours:
            raise NotAField(f"[{name}] isn't for a list to say: [{ours}] is written from the photo")
        if name in found:
            raise NotAField(f"[{name}] is there twice")
        found[name] = value
    # Sorted so that a field stands directly before those below it.
    for above, below in pairwise(sorted(found, key=lambda name: name.split("."))):
        if is_at_or_below(above, below):
            raise NotAField(f"[{above}] can't have a value beside [{below}]")
    return found


def _leaves(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    if above.count(".") >= DEEPEST:
        raise NotAField(f"it has more than {DEEPEST} objects within each other")
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        elif value is not None and value not in ("", []):
            yield above + name, value


def _ours(in_file: bool) -> tuple[str, ...]:
    return (*MACHINE_FIELDS, *(OF_FILES if in_file else ()))


def is_at_or_below(field: str, name: str) -> bool:
    """Whether a full name is that of a field, or of one in it."""
    return name == field or name.startswith(f"{field}.")
