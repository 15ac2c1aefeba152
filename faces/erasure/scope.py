"""Every index that may hold a face: also older ones behind an alias, and attached ones."""

from __future__ import annotations

from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_setup import models
from es_setup.mappings import face_vector_paths
from faces.searchable import FaceField, Searchable, searchable


@dataclass(frozen=True)
class Scope:
    """
    where: the open indices that can hold faces.
    closed: indices of ours that are closed, which can't be read.
    """

    where: Searchable
    closed: tuple[str, ...]

    @property
    def indices(self) -> list[str]:
        return sorted(self.where.recorded)

    def fields(self) -> list[tuple[str, FaceField]]:
        """Each index with each of its fields."""
        return [(index, field) for index in self.indices for field in self.where.fields_of(index)]

    def image_field(self, index: str) -> str:
        """The field with the photo, where the pipeline keeps it."""
        return str(self.where.recorded.get(index, {}).get("field") or "image")


def scope_of(es: Elasticsearch, index: str | None) -> Scope:
    """
    Args:
        index: an index, alias, list or pattern; default: every index that this user may see.

    Raises:
        NoFaces: none of them can hold faces.
    """
    where = searchable(es, index or "*")
    return Scope(where, tuple(_closed(es, index or "*")))


def _closed(es: Elasticsearch, index: str) -> list[str]:
    found = es.indices.get_mapping(index=index, expand_wildcards="closed", ignore_unavailable=True)
    return sorted(
        name
        for name, facts in found.items()
        if models.recorded(facts["mappings"]) or face_vector_paths(facts["mappings"].get("properties", {}))
        if _is_closed(es, name)
    )


def _is_closed(es: Elasticsearch, index: str) -> bool:
    settings = es.indices.get_settings(index=index, name="index.verified_before_close", flat_settings=True)
    return bool(settings.get(index, {}).get("settings"))
