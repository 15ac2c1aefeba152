"""Whether the indices behind the boards' data views are there, with the fields that the boards show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from kibana.client import SavedObject


@dataclass(frozen=True)
class Index:
    """An index or alias that a data view looks at."""

    name: str
    exists: bool
    missing_fields: list[str]

    @property
    def ok(self) -> bool:
        return self.exists and not self.missing_fields


def indices(
    es: Elasticsearch, objects: Iterable[SavedObject], fields_used: Mapping[str, Collection[str]]
) -> list[Index]:
    """Each index or alias that a data view among ``objects`` looks at.

    Args:
        fields_used: the fields that the boards use, by index or alias.
    """
    names = sorted({one["attributes"]["title"] for one in objects if one["type"] == "index-pattern"})
    return [_index(es, name, fields_used.get(name, ())) for name in names]


def _index(es: Elasticsearch, name: str, wanted: Collection[str]) -> Index:
    found = es.field_caps(index=name, fields="*", ignore_unavailable=True, allow_no_indices=True)
    absent = sorted(field for field in wanted if field not in found["fields"])
    exists = bool(found["indices"])
    return Index(name, exists, absent if exists else [])
