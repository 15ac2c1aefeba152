"""Undoes an operation from the journal, and never what was decided since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.adding import take_back
from faces.decisions.changing import GONE, Changed, change
from faces.decisions.documents import Document, Key, face_id
from faces.decisions.entries import Action, Decision, Operation
from faces.decisions.journal import Journal
from faces.decisions.state import State, state_of_face, without_group
from faces.names import all_names
from faces.searchable import searchable
from faces.writable import require_writable
from ingest_service.errors import UserError

LASTING: tuple[Action, ...] = ("enroll", "remove", "discard", "prune", "forget")
"""What these remove or add isn't in the journal."""
NOT_THERE = "isn't there any more"


LASTS = "can't be undone: what it removed or added isn't in the journal"


class NothingToUndo(UserError):
    """There is no such operation, or it can't be undone; the message says why."""


def to_undo(journal: Journal, wanted: str | None) -> Operation:
    """The operation with this id, or the last one that isn't undone.

    Raises:
        NothingToUndo: there is none, or it can't be undone.
        JournalMissing: there is no journal.
    """
    if wanted is not None:
        found = journal.operation(wanted)
        if found is None:
            raise NothingToUndo(f"no operation [{wanted}] in the journal: `faces undo --list` lists them")
        if not can_be_undone(found):
            raise NothingToUndo(f"[{found.action}] {LASTS}")
        return found
    for one in journal.operations(size=1_000):
        last = one.operation
        if not can_be_undone(last):
            raise NothingToUndo(
                f"the last command, [{last.action}] of {last.at} by [{last.user}], {LASTS}. For an earlier "
                "one give its id: `faces undo --list` lists them"
            )
        if last.action != "undo" and not one.undone:
            return last
    raise NothingToUndo("nothing to undo: the journal has no operation that isn't undone already")


def can_be_undone(operation: Operation) -> bool:
    return operation.action not in LASTING


def undo(
    es: Elasticsearch, journal: Journal, undoing: Operation, dry_run: bool = False
) -> Iterator[tuple[Changed, list[str]]]:
    """Takes back what an operation changed, as far as it still stands. Yields what became of each document,
    with what was changed since and stays.

    Args:
        undoing: from ``journal.begin("undo", …, undoes=…)``.

    Raises:
        NotWritable: an index doesn't take changes; nothing was changed.
        Others: as `faces.decisions.changing.change`.
    """
    assert undoing.undoes is not None
    indices = journal.indices(undoing.undoes)
    here = [index for index in indices if es.indices.exists(index=index)]
    for index in indices:
        if index not in here:
            yield Changed(index, "", "unchanged", 0), [f"the index [{index}] {NOT_THERE}"]
    if not here:
        return
    if not dry_run:
        require_writable(es, here)
    waiting: dict[Key, list[Decision]] = {}
    since: dict[Key, list[str]] = {}

    def keys() -> Iterator[Key]:
        decisions = journal.decisions(undoing.undoes)
        for key, own in groupby(decisions, lambda one: (one.index, one.document)):
            if key[0] in here:
                waiting[key] = list(own)
                yield key

    def edit(document: Document) -> None:
        since[document.key] = list(_take_back(document, waiting[document.key]))

    where = searchable(es, ",".join(here))
    for changed in change(es, journal, undoing, where, keys(), edit, dry_run):
        key = (changed.index, changed.id)
        waiting.pop(key)
        if changed.reason == GONE:
            yield replace(changed, outcome="unchanged", reason=None), [f"the document {NOT_THERE}"]
        else:
            yield changed, since.pop(key, [])


def _take_back(document: Document, decisions: list[Decision]) -> Iterator[str]:
    """Yields what was changed since, and stays."""
    by_id = {face_id(face, position): face for position, face in enumerate(document.faces)}
    for one in decisions:
        if one.face is None:
            yield from _take_back_whole(document, one.before, one.after)
        elif one.face not in by_id:
            if one.before or not one.after.get("drawn"):
                yield f"face [{one.face}] {NOT_THERE}"
        elif one.after.get("drawn") and not one.before:
            yield from _take_back_drawn(document, by_id[one.face], one)
        else:
            yield from _take_back_face(document, by_id[one.face], one.before, one.after)


def _take_back_drawn(document: Document, face: dict[str, Any], decision: Decision) -> Iterator[str]:
    if without_group(state_of_face(face)) == without_group(decision.after):
        take_back(document, str(face["id"]))
    else:
        yield f"somebody has said something about face [{decision.face}] since"


def _take_back_face(document: Document, face: dict[str, Any], before: State, after: State) -> Iterator[str]:
    now = state_of_face(face)
    label, changed = _merged(before, after, now, "label")
    if changed:
        yield f"face [{face.get('id')}] is labelled {_shown(label)} since"
    elif label != now.get("label"):
        document.set_label(face, label)
    document.set_not(face, _without_delta(before, after, now, "not"))
    document.set_apart(face, _without_delta(before, after, now, "apart"))
    ignored, _ = _merged(before, after, now, "ignored")
    document.set_ignored(face, bool(ignored))
    guess, _ = _merged(before, after, now, "guess")
    if guess != now.get("guess"):
        _name_guesses(face, guess or {})
    group, changed = _merged(before, after, now, "group")
    if not changed and group not in {document.group_of(one) for one in document.faces}:
        # Nobody is on a photo twice: not where another of its faces is in the group since.
        document.set_group(face, group)


def _take_back_whole(document: Document, before: State, after: State) -> Iterator[str]:
    now = document.state()[None]
    name, changed = _merged(before, after, now, "name")
    if changed:
        yield f"its name is {_shown(name)} since"
    elif name != now.get("name"):
        document.set_name(name)
    if before.get("tags") != after.get("tags"):
        document.set_tags(_without_delta(before, after, {"tags": document.tags}, "tags"))
    earlier, later = ({one["id"]: one for one in state.get("unplaced", [])} for state in (before, after))
    for waiting in document.unplaced:
        if (key := waiting.get("id")) in earlier and key in later:
            yield from _take_back_face(document, waiting, earlier[key], later[key])


def _merged(before: State, after: State, now: State, key: str) -> tuple[Any, bool]:
    """What is to stand there, and whether somebody has changed it since."""
    was, became, stands = before.get(key), after.get(key), now.get(key)
    if was in (became, stands):
        return stands, False
    return (was, False) if stands == became else (stands, True)


def _without_delta(before: State, after: State, now: State, key: str) -> list[str]:
    """What stands, without what was added and with what was removed: others' additions stay."""
    was, became, stands = (all_names(state.get(key)) for state in (before, after, now))
    kept = [one for one in stands if one in was or one not in became]
    return [*kept, *(one for one in was if one not in became and one not in kept)]


def _name_guesses(face: dict[str, Any], guess: State) -> None:
    match, candidates = face.get("match"), face.get("candidates") or []
    if isinstance(match, dict):
        match["name"] = guess.get("match", match.get("name"))
    for candidate, name in zip(candidates, guess.get("candidates", []), strict=False):
        candidate["name"] = name


def _shown(names: Any) -> str:
    return ", ".join(f"[{name}]" for name in all_names(names)) or "by nobody"
