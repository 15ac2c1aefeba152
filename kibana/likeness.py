"""How a copy of a board in Kibana differs from ours: by its settings, and by what somebody changed.

Its settings are its thresholds and its link to the desk.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kibana.saved_object import SavedObject, dumped

VERSIONS = ("coreMigrationVersion", "typeMigrationVersion")
"""Of the form in which an object is stored."""

WithSettingsOf = Callable[[SavedObject, SavedObject], SavedObject | None]
"""(our object, its copy in Kibana) -> our object with the copy's settings; None if the copy has none."""


@dataclass(frozen=True)
class Likeness:
    """How a copy differs from our object.

    edited: whether somebody changed or removed something of ours.
    other_thresholds: whether its settings aren't ours.
    updated: the copy with our settings.
    """

    edited: bool
    other_thresholds: bool
    updated: SavedObject


def no_settings(one: SavedObject, copy: SavedObject) -> SavedObject | None:
    """For objects without settings."""
    return None


def likeness_of(one: SavedObject, theirs: SavedObject, with_settings_of: WithSettingsOf) -> Likeness:
    """
    Args:
        theirs: the copy of ``one``, with our ids.
    """
    built = with_settings_of(one, theirs) or one
    attributes = _with_our_settings(theirs["attributes"], built["attributes"], one["attributes"])
    shown = theirs | {"attributes": attributes}
    updated = {name: shown[name] for name in one if name in shown}
    return Likeness(edited=not _has_all_of(updated, one), other_thresholds=built != one, updated=updated)


def in_shipped_form(one: SavedObject, theirs: SavedObject, with_settings_of: WithSettingsOf) -> SavedObject:
    """The copy with our settings and fields: it equals ``one`` unless somebody changed it."""
    like = likeness_of(one, theirs, with_settings_of)
    if like.edited:
        return like.updated
    # Kibana migrates older objects to its own version, which is nobody's change.
    return like.updated | {name: one[name] for name in VERSIONS if name in one}


def _has_all_of(theirs: SavedObject, ours: SavedObject) -> bool:
    """Whether a copy still has everything that we ship. It may have more: a newer Kibana adds defaults, and
    Discover stores in a data view how popular its fields are."""
    same = _contains(theirs["attributes"], ours["attributes"])
    return same and _references(theirs) == _references(ours)


def _with_our_settings(theirs: Any, built: Any, ours: Any) -> Any:
    """The copy, with the value of ``ours`` wherever it has the value of ``built``.

    Additions stay. So do old settings where what we built can't be told apart from additions.

    Args:
        built: our object with the copy's settings.
        ours: our object with our settings.
    """
    if built == ours:
        return theirs
    if isinstance(theirs, dict) and isinstance(built, dict) and isinstance(ours, dict):
        both = built.keys() & ours.keys()
        return {
            name: _with_our_settings(value, built[name], ours[name]) if name in both else value
            for name, value in theirs.items()
        }
    if isinstance(theirs, list) and isinstance(built, list) and isinstance(ours, list):
        return _list_with_our_settings(theirs, built, ours)
    if parts := _parsed(theirs, built, ours):
        return dumped(_with_our_settings(*parts))
    return ours if theirs == built else theirs


def _list_with_our_settings(theirs: list[Any], built: list[Any], ours: list[Any]) -> list[Any]:
    if len(theirs) == len(built) == len(ours):
        return list(map(_with_our_settings, theirs, built, ours))
    if len(built) == len(ours):
        # Somebody added or removed a panel: match the others by their content.
        pairs = list(zip(built, ours, strict=True))
        matching = (next((pair for pair in pairs if _contains(one, pair[0])), (one, one)) for one in theirs)
        return [_with_our_settings(one, *pair) for one, pair in zip(theirs, matching, strict=True)]
    both = min(len(built), len(ours))
    if built[:both] == ours[:both] and _contains(theirs, built):
        # The link to the desk is the last of its row, and only one of both has it.
        return [*map(_with_our_settings, theirs, built, ours), *ours[len(built) :]]
    return ours if theirs == built else theirs


def _references(one: SavedObject) -> set[tuple[str, str, str]]:
    return {(ref["name"], ref["type"], ref["id"]) for ref in one.get("references", [])}


def _contains(theirs: Any, ours: Any) -> bool:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(name in theirs and _contains(theirs[name], value) for name, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_contains, theirs, ours))
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
        parts = _parsed(theirs, ours)
        return parts is not None and _contains(*parts)
    return bool(theirs == ours)


def _parsed(*texts: Any) -> list[Any] | None:
    """The objects or lists in texts of JSON, which saved objects often have; None unless each has one."""
    try:
        parts = [json.loads(text) for text in texts if isinstance(text, str)]
    except ValueError:
        return None
    found = len(parts) == len(texts) and all(isinstance(part, dict | list) for part in parts)
    return parts if found else None
