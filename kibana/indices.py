"""Whether the indices behind the boards' data views are there, with the fields that the boards show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_setup.mappings import find
from kibana.client import SavedObject


@dataclass(frozen=True)
class Index:
    """An index or alias that a data view looks at."""

    name: str
    exists: bool
    missing_fields: list[str]


def indices(
    es: Elasticsearch, objects: Iterable[SavedObject], fields_used: Mapping[str, Collection[str]]
) -> list[Index]:
    """Each index or alias that a data view among ``objects`` looks at.

    Args:
        fields_used: the fields that the boards use, by index or alias.
    """
    titles = [one["attributes"]["title"] for one in objects if one["type"] == "index-pattern"]
    names = sorted({name for title in titles for name in title.split(",")})
    return [_index(es, name, fields_used.get(name, ())) for name in names]


def _index(es: Elasticsearch, name: str, wanted: Collection[str]) -> Index:
    """Of several indices behind an alias each must have the field."""
    found = es.indices.get_mapping(index=name, ignore_unavailable=True, allow_no_indices=True)
    mappings = [index["mappings"].get("properties", {}) for index in found.values()]
    absent = sorted(field for field in wanted if not all(find(mapping, field) for mapping in mappings))
    return Index(name, bool(mappings), absent if mappings else [])
