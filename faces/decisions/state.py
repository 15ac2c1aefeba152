"""What people said about a face or a document, as the journal keeps it: names, tags and yes or no.

Of a face: ``label`` and ``not`` (names), ``apart`` (from which faces it was told apart), ``ignored``,
``drawn``; and what follows: ``guess``, the names of its ``match`` and ``candidates``, if a person of the
gallery is renamed, and ``group``, which it leaves with a name. Of a document: ``name`` (``person.name``),
``tags``, and ``unplaced``, what waits for a face. What nobody said is absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from faces.names import all_names, tidy

State = dict[str, Any]
FLAGS = ("ignored", "drawn")


def state_of_face(face: dict[str, Any]) -> State:
    """
    Args:
        face: an entry of ``faces`` or ``unplaced``, or a portrait's ``face``.
    """
    label = face.get("label")
    state: State = {
        "label": tidy(label.get("name")) if isinstance(label, dict) else tidy(label),
        "not": all_names(face.get("not")),
        "apart": all_names(face.get("apart")),
        **{flag: True for flag in FLAGS if face.get(flag) is True},
        "guess": _guess(face),
        "group": tidy(face.get("group")),
    }
    return {key: value for key, value in state.items() if value}


def without_group(state: State) -> State:
    """What of it a group that is made anew doesn't change."""
    return {key: value for key, value in state.items() if key != "group"}


def _guess(face: dict[str, Any]) -> State:
    match, candidates = face.get("match"), face.get("candidates")
    guess = {
        "match": match.get("name") if isinstance(match, dict) else None,
        "candidates": [one.get("name") for one in candidates] if isinstance(candidates, list) else [],
    }
    return {key: value for key, value in guess.items() if value}


def names_in(state: State) -> set[str]:
    """Every person's name in it."""
    return set(_names(state))


def _names(state: State) -> Iterator[str]:
    guess = state.get("guess", {})
    for value in (state.get("label"), state.get("not"), state.get("name"), *guess.values()):
        yield from all_names(value)
    for waiting in state.get("unplaced", []):
        yield from _names(waiting)
