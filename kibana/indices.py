"""Whether Elasticsearch has the indices of the boards' data views, with the fields that the boards use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_setup.mappings import find
from kibana.saved_object import SavedObject


@dataclass(frozen=True)
class IndexState:
    """An index or alias of a data view."""

    name: str
    exists: bool
    missing_fields: list[str]


def index_states(
    es: Elasticsearch, objects: Iterable[SavedObject], fields_used: Mapping[str, Collection[str]]
) -> list[IndexState]:
    """The state of each index or alias that a data view among ``objects`` covers.

    Args:
        fields_used: index or alias -> the fields that the boards use.
    """
    patterns = [one["attributes"]["title"] for one in objects if one["type"] == "index-pattern"]
    names = sorted({name for pattern in patterns for name in pattern.split(",")})
    return [_state(es, name, fields_used.get(name, ())) for name in names]


def _state(es: Elasticsearch, name: str, wanted: Collection[str]) -> IndexState:
    """A field is missing if any of the indices behind an alias lacks it."""
    found = es.indices.get_mapping(index=name, ignore_unavailable=True, allow_no_indices=True)
    mappings = [index["mappings"].get("properties", {}) for index in found.values()]
    absent = sorted(field for field in wanted if not all(find(mapping, field) for mapping in mappings))
    return IndexState(name, bool(mappings), absent if mappings else [])
