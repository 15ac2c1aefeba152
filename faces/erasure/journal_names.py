"""A person's names in the journal: blanked, with who, when and what kind of decision kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.shipped_files import JOURNAL
from faces.decisions.state import State
from faces.erasure.fields import get, names_in, put, without_name
from faces.erasure.journal_entries import BLANKED, blank, drop_digests, in_place_of
from faces.erasure.subject import listed
from faces.names import spellings
from faces.pages import count_of, every_hit


def entries_naming(es: Elasticsearch, name: str) -> int:
    """How many entries name the person; 0 without a journal."""
    if not es.indices.exists(index=JOURNAL):
        return 0
    es.indices.refresh(index=JOURNAL)
    return count_of(es, JOURNAL, _naming(name))


def blank_names(es: Elasticsearch, name: str) -> int:
    """Takes the name out of every entry, and returns how many there were.

    Raises:
        JournalNotBlanked: an entry can't be changed.
    """
    operations = set[str]()
    blanked = blank(es, lambda: entries_naming(es, name), lambda: _changes(es, name, operations), "the name")
    drop_digests(es, operations)
    return blanked


def _changes(es: Elasticsearch, name: str, operations: set[str]) -> Iterator[dict[str, Any]]:
    """
    Args:
        operations: those that the entries are of are added.
    """
    for hit in every_hit(es, JOURNAL, _naming(name), seq_no_primary_term=True):
        entry = hit["_source"]
        entry |= blanked_change(entry.get("before") or {}, entry.get("after") or {}, name)
        put(entry, "names", sorted(names_in(entry.get("names")) - {name}))
        operations.add(str(get(entry, "operation.id")))
        entry[BLANKED] = True
        yield in_place_of(hit, entry)


def blanked_change(before: State, after: State, name: str) -> dict[str, State]:
    """Both without the name. Where it was one side of a change, the entry doesn't tell of that change any
    more: to undo it would take away what the other side says, or put one name in the place of another."""
    before, after = dict(before), dict(after)
    for key in [
        key for key in {**before, **after} if _names(before.get(key), name) or _names(after.get(key), name)
    ]:
        sides: list[Any] = [state.get(key) for state in (before, after)]
        if key == "unplaced":
            gone = {one.get("id") for side in sides for one in listed(side) if _names(one, name)}
            left: list[Any] = [[one for one in listed(side) if one.get("id") not in gone] for side in sides]
        elif any(isinstance(side, list) for side in sides):
            left = [without_name(side, name) for side in sides]
        else:
            kept = next((side for side in sides if isinstance(side, str) and not _names(side, name)), None)
            left = [kept, kept]
        for state, side in zip((before, after), left, strict=True):
            put(state, key, side or None)
    return {"before": before, "after": after}


def _names(value: Any, name: str) -> bool:
    return bool(without_name(value, name) != value)


def _naming(name: str) -> dict[str, Any]:
    return {"terms": {"names": spellings(name)}}
