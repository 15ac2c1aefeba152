"""Imports the boards into a space of Kibana, finds them there, and tells what somebody changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kibana.client import Kibana
from kibana.likeness import Likeness, WithSettingsOf, in_shipped_form, likeness_of, no_settings
from kibana.saved_object import Key, SavedObject, parsed

SHIPPED = Path(__file__).parent / "saved_objects.ndjson"

RESOLVABLE = ("conflict", "ambiguous_conflict", "missing_references")
"""If an answer has one of these errors, Kibana wrote nothing, whatever ``successResults`` lists."""

State = Literal["imported", "exists", "updated", "replaced", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """The result of one object's import."""

    type: str
    id: str
    title: str
    state: State
    """``exists``: as shipped, apart from additions. ``updated``: only its thresholds or its link to the desk
    differed, and were updated. ``kept``: differs from the shipped object."""
    copy_id: str
    """Its id in this space. Kibana assigns a new one if another space has an object with our id."""
    reason: str = ""


@dataclass(frozen=True)
class Presence:
    """The state of one of our objects in the space."""

    type: str
    id: str
    title: str
    state: Literal["equal", "changed", "missing"]
    """``equal``: as shipped, apart from its thresholds and its link to the desk."""
    other_thresholds: bool
    """Whether its thresholds, or its link to the desk, aren't ours."""
    copy_id: str | None
    dangling: list[Key]
    """What it refers to that isn't there."""


def shipped() -> list[SavedObject]:
    """The committed boards, data views and tags."""
    return parsed(SHIPPED.read_text(encoding="utf-8"))


def install(
    kibana: Kibana,
    objects: list[SavedObject],
    overwrite: bool,
    with_settings_of: WithSettingsOf = no_settings,
) -> list[Outcome]:
    """Imports what is missing, and updates the settings of copies that are otherwise as shipped, whatever
    was added to them. A second run changes nothing, and completes an interrupted one.

    Args:
        overwrite: replaces every copy.

    Raises:
        KibanaError: Kibana refused everything, or the connection broke.
    """
    answer = kibana.import_objects(objects)
    errors = _errors(answer)
    if not any(error["type"] in RESOLVABLE for error in errors.values()):
        return [_outcome(one, _successes(answer), errors, "imported") for one in objects]
    there = {key: error.get("destinationId", key[1]) for key, error in errors.items() if _is_conflict(error)}
    likeness = _likenesses(kibana, objects, there, with_settings_of)
    updated = {
        key: like.updated
        for key, like in likeness.items()
        if like.other_thresholds and not like.edited and not overwrite
    }
    overwritten = there.keys() if overwrite else updated.keys()
    retries = [
        {"type": key[0], "id": key[1], "overwrite": key in there} | _destination(there.get(key), key)
        for key in map(_key, objects)
        if key not in errors or key in overwritten
    ]
    resolved = [updated.get(_key(one), one) for one in objects]
    retried: dict[str, Any] = kibana.resolve_import_errors(resolved, retries) if retries else {}
    written = {} if _nothing_written(retried) else _successes(retried)
    failed = _errors(retried)
    outcomes = []
    for one in objects:
        key = _key(one)
        if key in there and key not in overwritten:
            state: State = "kept" if likeness[key].edited else "exists"
            reason = "its thresholds differ, too" if likeness[key].other_thresholds else ""
            outcomes.append(Outcome(*key, title(one), state, there[key], reason))
        else:
            still = {key: errors[key]} if key in errors and key not in there else failed
            over: State = "replaced" if overwrite else "updated"
            outcomes.append(_outcome(one, written, still, over if key in there else "imported"))
    return outcomes


def copies(kibana: Kibana, objects: Iterable[SavedObject]) -> dict[Key, SavedObject]:
    """Each object's copy in the space: the object with its id, or else one to which Kibana gave a new id."""
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
    objects: Iterable[SavedObject],
    found: Mapping[Key, SavedObject],
    with_settings_of: WithSettingsOf = no_settings,
) -> list[SavedObject]:
    """The copies in the form and order of ``objects``, with their ids and thresholds: any difference is a
    change that somebody made."""
    ours = {_key(one): one for one in objects}
    return [
        in_shipped_form(ours[key], copy, with_settings_of)
        for key, copy in _with_our_ids(objects, found).items()
    ]


def presence(
    kibana: Kibana, objects: list[SavedObject], with_settings_of: WithSettingsOf = no_settings
) -> list[Presence]:
    """The state of each object in the space. Changes nothing."""
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
        like = likeness_of(one, theirs[key], with_settings_of)
        state: Literal["equal", "changed"] = "changed" if like.edited else "equal"
        report.append(Presence(*key, title(one), state, like.other_thresholds, found[key]["id"], dangling))
    return report


def title(one: SavedObject) -> str:
    attributes = one["attributes"]
    return str(attributes.get("title") or attributes.get("name") or one["id"])


def _key(one: Mapping[str, Any]) -> Key:
    return one["type"], one["id"]


def _likenesses(
    kibana: Kibana, objects: list[SavedObject], there: Mapping[Key, str], with_settings_of: WithSettingsOf
) -> dict[Key, Likeness]:
    """For each object with a copy. A copy that Kibana doesn't export counts as equal.

    Args:
        there: key of the object -> id of its copy.
    """
    exported = {_key(copy): copy for copy in kibana.export((key[0], there[key]) for key in there).objects}
    found = {
        key: exported[key[0], copy_id] for key, copy_id in there.items() if (key[0], copy_id) in exported
    }
    theirs = _with_our_ids(objects, found)
    equal = {_key(one): Likeness(False, False, one) for one in objects if _key(one) in there}
    return equal | {
        _key(one): likeness_of(one, theirs[_key(one)], with_settings_of)
        for one in objects
        if _key(one) in theirs
    }


def _with_our_ids(objects: Iterable[SavedObject], found: Mapping[Key, SavedObject]) -> dict[Key, SavedObject]:
    """Our key -> the copy with our ids, in the order of ``objects``."""
    ids = {_key(copy): key[1] for key, copy in found.items()}
    theirs = {}
    for key in map(_key, objects):
        if key in found:
            references = [
                ref | {"id": ids.get(_key(ref), ref["id"])} for ref in found[key].get("references", [])
            ]
            theirs[key] = found[key] | {"id": key[1], "references": references}
    return theirs


def _errors(answer: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """Each object's error. Any other error outweighs a conflict, which can be resolved."""
    found: dict[Key, dict[str, Any]] = {}
    for item in answer.get("errors", []):
        if _key(item) not in found or _is_conflict(found[_key(item)]):
            found[_key(item)] = item["error"]
    return found


def _successes(answer: Mapping[str, Any]) -> dict[Key, str]:
    """Key of each written object -> its id in the space."""
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
    reason = (
        _reason(errors[key]) if key in errors else "Kibana wrote nothing because of other objects' errors"
    )
    return Outcome(*key, title(one), "failed", key[1], reason)


def _reason(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "unsupported_type":
            return "this Kibana doesn't support this type: is it older than 8.19, or is the feature disabled?"
        case "missing_references":
            absent = ", ".join(f"{ref['type']} {ref['id']}" for ref in error["references"])
            return f"it refers to objects that aren't in this space: {absent}"
        case "ambiguous_conflict":
            ids = ", ".join(destination["id"] for destination in error["destinations"])
            return f"this space has several copies of it ({ids}): delete all but one, and run this again"
        case "conflict":
            return "somebody created it at the same moment: run this again"
        case _:
            return str(error.get("message") or error.get("error") or "Kibana gives no reason")
