"""Brings the boards into a space of Kibana, finds them there, and tells what somebody changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kibana.client import Key, Kibana, SavedObject, parsed
from kibana.objects.saved_object import dumped

SHIPPED = Path(__file__).parent / "saved_objects.ndjson"

VERSIONS = ("coreMigrationVersion", "typeMigrationVersion")
"""Of an object's form."""

RESOLVABLE = ("conflict", "ambiguous_conflict", "missing_references")
"""While an answer has one of these errors, Kibana wrote nothing at all, whatever ``successResults`` lists."""

State = Literal["imported", "exists", "updated", "replaced", "kept", "failed"]

WithLinesOf = Callable[[SavedObject, SavedObject], SavedObject | None]
"""One of our objects as it is with the lines that its copy in Kibana shows; None where a copy shows none."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object."""

    type: str
    id: str
    title: str
    state: State
    """``exists``: as we ship it. ``updated``: it was as we ship it but for its lines, and now has these, too.
    ``kept``: it was there, and isn't as we ship it."""
    copy_id: str
    """Its id in this space; Kibana gives a new one when another space has an object of this id already."""
    reason: str = ""


@dataclass(frozen=True)
class Likeness:
    """How a copy differs from ours: by what somebody changed, and by the lines that it shows.

    relined: the copy with our lines, and all else that it says.
    """

    edited: bool
    other_lines: bool
    relined: SavedObject


@dataclass(frozen=True)
class Presence:
    """Whether an object of ours is in the space."""

    type: str
    id: str
    title: str
    state: Literal["equal", "changed", "missing"]
    """``equal``: as we ship it, whichever lines it shows."""
    other_lines: bool
    """Whether it shows other lines than ours."""
    copy_id: str | None
    dangling: list[Key]
    """What it refers to and isn't there."""


def shipped() -> list[SavedObject]:
    """The boards, data views and tags as they are built."""
    return parsed(SHIPPED.read_text(encoding="utf-8"))


def no_lines(one: SavedObject, copy: SavedObject) -> SavedObject | None:
    """Of objects that show no lines."""
    return None


def install(
    kibana: Kibana, objects: list[SavedObject], overwrite: bool, with_lines_of: WithLinesOf = no_lines
) -> list[Outcome]:
    """Imports what isn't there, and gives our lines to what lacks nothing else of ours, whatever somebody
    added to it; with ``overwrite`` replaces what is there. A second run changes nothing, and completes a
    first one that broke off.

    Raises:
        KibanaError: Kibana refused everything, or broke off.
    """
    answer = kibana.import_objects(objects)
    errors = _errors(answer)
    if not any(error["type"] in RESOLVABLE for error in errors.values()):
        return [_outcome(one, _successes(answer), errors, "imported") for one in objects]
    there = {key: error.get("destinationId", key[1]) for key, error in errors.items() if _is_conflict(error)}
    likeness = _likenesses(kibana, objects, there, with_lines_of)
    relined = {
        key: like.relined
        for key, like in likeness.items()
        if like.other_lines and not like.edited and not overwrite
    }
    written_over = there.keys() if overwrite else relined.keys()
    retries = [
        {"type": key[0], "id": key[1], "overwrite": key in there} | _destination(there.get(key), key)
        for key in map(_key, objects)
        if key not in errors or key in written_over
    ]
    resolved = [relined.get(_key(one), one) for one in objects]
    retried: dict[str, Any] = kibana.resolve_import_errors(resolved, retries) if retries else {}
    written = {} if _nothing_written(retried) else _successes(retried)
    failed = _errors(retried)
    outcomes = []
    for one in objects:
        key = _key(one)
        if key in there and key not in written_over:
            state: State = "kept" if likeness[key].edited else "exists"
            reason = "its verdict lines are others, too" if likeness[key].other_lines else ""
            outcomes.append(Outcome(*key, title(one), state, there[key], reason))
        else:
            still = {key: errors[key]} if key in errors and key not in there else failed
            over: State = "replaced" if overwrite else "updated"
            outcomes.append(_outcome(one, written, still, over if key in there else "imported"))
    return outcomes


def copies(kibana: Kibana, objects: Iterable[SavedObject]) -> dict[Key, SavedObject]:
    """The copy in the space of each object that has one: of its id, or else one that Kibana gave a new id."""
    wanted = [_key(one) for one in objects]
    found = {_key(one): one for one in kibana.export(wanted).objects}
    absent = [key for key in wanted if key not in found]
    if absent:
        for one in kibana.export_types({kind for kind, _ in absent}).objects:
            key = (one["type"], one.get("originId", ""))
            if key in absent:
                found.setdefault(key, one)
    return found


def as_shipped(
    objects: Iterable[SavedObject], found: Mapping[Key, SavedObject], with_lines_of: WithLinesOf = no_lines
) -> list[SavedObject]:
    """The copies in the form, the order and with the ids and the lines of ``objects``: what differs, somebody
    changed."""
    ours = {_key(one): one for one in objects}
    return [
        _as_shipped(ours[key], copy, with_lines_of) for key, copy in _with_our_ids(objects, found).items()
    ]


def presence(
    kibana: Kibana, objects: list[SavedObject], with_lines_of: WithLinesOf = no_lines
) -> list[Presence]:
    """Each object with what became of it in the space. Touches nothing."""
    found = copies(kibana, objects)
    missing = set(kibana.export([_key(copy) for copy in found.values()], deep=True).missing)
    theirs = _with_our_ids(objects, found)
    report = []
    for one in objects:
        key = _key(one)
        if key not in found:
            report.append(Presence(*key, title(one), "missing", False, None, []))
            continue
        dangling = [ref for ref in map(_key, found[key].get("references", [])) if ref in missing]
        like = _likeness(one, theirs[key], with_lines_of)
        state: Literal["equal", "changed"] = "changed" if like.edited else "equal"
        report.append(Presence(*key, title(one), state, like.other_lines, found[key]["id"], dangling))
    return report


def title(one: SavedObject) -> str:
    attributes = one["attributes"]
    return str(attributes.get("title") or attributes.get("name") or one["id"])


def _key(one: Mapping[str, Any]) -> Key:
    return one["type"], one["id"]


def _likenesses(
    kibana: Kibana, objects: list[SavedObject], there: Mapping[Key, str], with_lines_of: WithLinesOf
) -> dict[Key, Likeness]:
    """Of the objects that have a copy (ids by key); one that Kibana doesn't show us counts as equal."""
    exported = {_key(copy): copy for copy in kibana.export((key[0], there[key]) for key in there).objects}
    found = {
        key: exported[key[0], copy_id] for key, copy_id in there.items() if (key[0], copy_id) in exported
    }
    theirs = _with_our_ids(objects, found)
    return {
        key: _likeness(one, theirs[key], with_lines_of) if key in theirs else Likeness(False, False, one)
        for one in objects
        if (key := _key(one)) in there
    }


def _likeness(one: SavedObject, theirs: SavedObject, with_lines_of: WithLinesOf) -> Likeness:
    built = with_lines_of(one, theirs) or one
    shown = theirs | {"attributes": _relined(theirs["attributes"], built["attributes"], one["attributes"])}
    relined = {name: shown[name] for name in one if name in shown}
    return Likeness(edited=not _has_all_of(relined, one), other_lines=built != one, relined=relined)


def _with_our_ids(objects: Iterable[SavedObject], found: Mapping[Key, SavedObject]) -> dict[Key, SavedObject]:
    """The copies by our keys, in the order of ``objects``, as if Kibana had given them no new ids."""
    ids = {_key(copy): key[1] for key, copy in found.items()}
    theirs = {}
    for key in map(_key, objects):
        if key in found:
            references = [
                ref | {"id": ids.get(_key(ref), ref["id"])} for ref in found[key].get("references", [])
            ]
            theirs[key] = found[key] | {"id": key[1], "references": references}
    return theirs


def _as_shipped(one: SavedObject, theirs: SavedObject, with_lines_of: WithLinesOf) -> SavedObject:
    like = _likeness(one, theirs, with_lines_of)
    if like.edited:
        return like.relined
    # Kibana raises the version of what is older than itself, which is nobody's change.
    return like.relined | {name: one[name] for name in VERSIONS if name in one}


def _has_all_of(theirs: SavedObject, ours: SavedObject) -> bool:
    """Whether a copy still says all that we ship. More may stand in it: a newer Kibana adds defaults, and
    Discover counts in a data view which fields are popular."""
    same = _contains(theirs["attributes"], ours["attributes"])
    return same and _references(theirs) == _references(ours)


def _relined(theirs: Any, built: Any, ours: Any) -> Any:
    """What a copy says, with our lines where it says the same as ``built``, ours with the copy's lines. What
    somebody added stays; the old lines do, where ours can't be told apart from it."""
    if built == ours:
        return theirs
    if isinstance(theirs, dict) and isinstance(built, dict) and isinstance(ours, dict):
        return {
            name: _relined(value, built[name], ours[name]) if name in built and name in ours else value
            for name, value in theirs.items()
        }
    if isinstance(theirs, list) and isinstance(built, list) and isinstance(ours, list):
        if len(theirs) == len(built) == len(ours):
            return list(map(_relined, theirs, built, ours))
        if len(built) == len(ours):
            # Somebody added a panel or took one away: the others are found by what they say.
            pairs = list(zip(built, ours, strict=True))
            return [
                _relined(one, *next((pair for pair in pairs if _contains(one, pair[0])), (one, one)))
                for one in theirs
            ]
    if inside := _inside(theirs, built, ours):
        return dumped(_relined(*inside))
    return ours if theirs == built else theirs


def _references(one: SavedObject) -> set[tuple[str, str, str]]:
    return {(ref["name"], ref["type"], ref["id"]) for ref in one.get("references", [])}


def _contains(theirs: Any, ours: Any) -> bool:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(name in theirs and _contains(theirs[name], value) for name, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_contains, theirs, ours))
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
        inside = _inside(theirs, ours)
        return inside is not None and _contains(*inside)
    return bool(theirs == ours)


def _inside(*texts: Any) -> list[Any] | None:
    """Much of a saved object is JSON in a string: the objects or lists in the texts, if each has one."""
    try:
        parts = [json.loads(text) for text in texts if isinstance(text, str)]
    except ValueError:
        return None
    return (
        parts if len(parts) == len(texts) and all(isinstance(part, dict | list) for part in parts) else None
    )


def _errors(answer: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """Each object's error. One that nothing can be done about here outweighs a conflict."""
    found: dict[Key, dict[str, Any]] = {}
    for item in answer.get("errors", []):
        if _key(item) not in found or _is_conflict(found[_key(item)]):
            found[_key(item)] = item["error"]
    return found


def _successes(answer: Mapping[str, Any]) -> dict[Key, str]:
    """The id in the space of each object that was written."""
    return {_key(item): item.get("destinationId", item["id"]) for item in answer.get("successResults", [])}


def _nothing_written(answer: Mapping[str, Any]) -> bool:
    return any(item["error"]["type"] in RESOLVABLE for item in answer.get("errors", []))


def _is_conflict(error: Mapping[str, Any]) -> bool:
    return bool(error["type"] == "conflict")


def _destination(copy_id: str | None, key: Key) -> dict[str, str]:
    return {"destinationId": copy_id} if copy_id and copy_id != key[1] else {}


def _outcome(
    one: SavedObject, written: Mapping[Key, str], errors: Mapping[Key, Mapping[str, Any]], state: State
) -> Outcome:
    key = _key(one)
    if key in written and key not in errors:
        return Outcome(*key, title(one), state, written[key])
    reason = _reason(errors[key]) if key in errors else "Kibana wrote nothing because of the others' errors"
    return Outcome(*key, title(one), "failed", key[1], reason)


def _reason(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "unsupported_type":
            return "this Kibana knows no objects of this type: is it older than 8.19, or is the feature off?"
        case "missing_references":
            absent = ", ".join(f"{ref['type']} {ref['id']}" for ref in error["references"])
            return f"it refers to what isn't in this space: {absent}"
        case "ambiguous_conflict":
            ids = ", ".join(destination["id"] for destination in error["destinations"])
            return f"this space has several copies of it ({ids}): delete all but one, and run this again"
        case "conflict":
            return "somebody made it at the same moment: run this again"
        case _:
            return str(error.get("message") or error.get("error") or "Kibana gives no reason")
