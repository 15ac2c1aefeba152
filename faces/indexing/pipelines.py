"""Whether an index finds faces, and which fields it takes."""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from ingest_service.errors import UserError


class NoPipeline(UserError):
    """The index has no pipeline that finds faces; the message says what to do."""


def require_pipeline(es: Elasticsearch, index: str) -> None:
    """
    Raises:
        NoPipeline: ``index`` would store documents as they are, photos included.
    """
    if es.indices.exists(index=index):
        settings = [found["settings"] for found in es.indices.get_settings(index=index).values()]
    else:
        simulated = es.indices.simulate_index_template(name=index)
        settings = [simulated.get("template", {}).get("settings", {})]
    if not all(found.get("index", {}).get("default_pipeline") for found in settings):
        raise NoPipeline(
            f"[{index}] has no ingest pipeline that finds faces: run `faces install` first, or name an index "
            "like [faces]"
        )


def refused_fields(es: Elasticsearch, index: str, names: tuple[str, ...]) -> set[str]:
    """Those of ``names`` that an index refuses, because its mapping is strict and lacks them."""
    found = es.options(ignore_status=404).indices.get_mapping(index=index)
    mappings = [entry.get("mappings", {}) for entry in found.values() if isinstance(entry, dict)]
    return {name for name in names for mapping in mappings if _refuses(mapping, name)}


def _refuses(mapping: dict[str, Any], name: str) -> bool:
    dynamic: object = mapping.get("dynamic", True)
    for part in name.split("."):
        field = mapping.get("properties", {}).get(part)
        if field is None:
            return str(dynamic).lower() == "strict"
        mapping, dynamic = field, field.get("dynamic", dynamic)
    return False
