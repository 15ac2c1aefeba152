"""The one model of an index, as recorded in its mapping's ``_meta`` and in its documents.

Vectors of two models can't be compared, and Elasticsearch can't tell them apart: both may have 128 numbers.
The ``_meta`` also records how an index is attached, and the thresholds and calibration of its model.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from elasticsearch import Elasticsearch

from ingest_service.errors import UserError

OURS = "ingest_face"
"""Our key in a mapping's ``_meta``; other keys there are the user's."""
OF_ITS_MODEL = {"calibration", "thresholds"}
"""Facts about one model, which another one's index doesn't have."""
TEMPLATE = "faces-photo"
"""The component template whose ``_meta`` new indices start with."""


class MixedModels(UserError):
    """An index holds vectors of several models, which can't be compared."""


def declared(es: Elasticsearch, index: str) -> dict[str, str | None]:
    """Each index behind ``index`` -> the model in its ``_meta``; None where none is recorded."""
    mappings = es.indices.get_mapping(index=index)
    return {name: recorded(found["mappings"]).get("model") for name, found in mappings.items()}


def recorded(mapping: dict[str, Any]) -> dict[str, Any]:
    """Our part of a mapping's ``_meta``; empty if absent, or if the user put something else there."""
    ours = mapping.get("_meta", {}).get(OURS)
    return ours if isinstance(ours, dict) else {}


def held(
    es: Elasticsearch, index: str, field: str = "model.id", only: Collection[str] | None = None
) -> list[str]:
    """The models of the documents in ``index``, at most two: enough to see that there are several.

    Args:
        only: those of the indices behind ``index`` that count; default: all.
    """
    query = None if only is None else {"terms": {"_index": sorted(only)}}
    answer = es.search(
        index=index, size=0, query=query, aggs={"models": {"terms": {"field": field, "size": 2}}}
    )
    return [bucket["key"] for bucket in answer["aggregations"]["models"]["buckets"]]


def record(es: Elasticsearch, index: str, **facts: Any) -> None:
    """Writes ``facts`` into our part of one index's ``_meta``; other facts stay.

    None removes a fact. Another ``model`` also removes the other facts of its model.
    """
    (found,) = es.indices.get_mapping(index=index).values()
    es.indices.put_mapping(index=index, meta=_with(found["mappings"], facts))


def recorded_in_template(es: Elasticsearch) -> dict[str, Any]:
    """As `recorded`, for new indices; empty if nothing is installed."""
    template = _template(es)
    return recorded(template["template"].get("mappings", {})) if template else {}


def record_in_template(es: Elasticsearch, **facts: Any) -> None:
    """As `record`, for new indices."""
    template = _template(es)
    mapping = template["template"].setdefault("mappings", {})
    mapping["_meta"] = _with(mapping, facts)
    # Newer versions of Elasticsearch answer with dates, too, which a PUT refuses.
    body: dict[str, Any] = {key: template[key] for key in ("template", "version", "_meta") if key in template}
    es.cluster.put_component_template(name=TEMPLATE, body=body)


def _template(es: Elasticsearch) -> dict[str, Any]:
    """The installed component template; empty if there is none."""
    found = es.options(ignore_status=404).cluster.get_component_template(name=TEMPLATE)
    templates = found.get("component_templates", [])
    return dict(templates[0]["component_template"]) if templates else {}


def _with(mapping: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The mapping's ``_meta`` with ``facts`` in our part of it."""
    before = recorded(mapping)
    ours = before | facts
    if ours.get("model") != before.get("model"):
        for fact in OF_ITS_MODEL - facts.keys():
            ours.pop(fact, None)
    known = {name: fact for name, fact in ours.items() if fact is not None}
    return {**mapping.get("_meta", {}), OURS: known}


def model_of(es: Elasticsearch, index: str) -> str | None:
    """The model of ``index``, by its ``_meta`` and its documents; None if neither names one.

    Raises:
        MixedModels: they name several.
    """
    found = es.indices.get_mapping(index=index)
    return one_model(es, index, {name: recorded(facts["mappings"]) for name, facts in found.items()})


def one_model(es: Elasticsearch, index: str, facts: dict[str, dict[str, Any]]) -> str | None:
    """As `model_of`, of some of the indices behind ``index``.

    Args:
        facts: each of these -> what is recorded in it.
    """
    known = {fact["model"] for fact in facts.values() if "model" in fact}
    for field in {".".join(filter(None, (fact.get("target_field"), "model.id"))) for fact in facts.values()}:
        known |= set(held(es, index, field, facts))
    if len(known) > 1:
        raise MixedModels(
            f"[{index}] holds vectors of several models, {sorted(known)}, which can't be compared: search an "
            "index of one model"
        )
    return next(iter(known), None)
