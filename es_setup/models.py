"""One model an index: which one it is of, by its mapping's ``_meta`` and by its documents.

Vectors of two models can't be compared, and Elasticsearch wouldn't notice: both have 128 numbers. What else
we record of an index stands beside its model: how it is attached, and its calibration.
"""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from ingest_service.errors import UserError

OURS = "ingest_face"
"""Our key in a mapping's ``_meta``; other keys there are other people's."""
TEMPLATE = "faces-photo"
"""The component template whose ``_meta`` each new index is born with."""


class MixedModels(UserError):
    """An index holds vectors of several models, which can't be compared."""


def declared(es: Elasticsearch, index: str) -> dict[str, str | None]:
    """The model that each index behind ``index`` is of by its ``_meta``; None where none is recorded."""
    mappings = es.indices.get_mapping(index=index)
    return {name: recorded(found["mappings"]).get("model") for name, found in mappings.items()}


def recorded(mapping: dict[str, Any]) -> dict[str, Any]:
    """What we recorded in a mapping's ``_meta``; empty where somebody put something else there."""
    ours = mapping.get("_meta", {}).get(OURS)
    return ours if isinstance(ours, dict) else {}


def held(es: Elasticsearch, index: str, field: str = "model.id") -> list[str]:
    """The models of the documents in ``index``: two at most, enough to see that one is too many."""
    answer = es.search(index=index, size=0, aggs={"models": {"terms": {"field": field, "size": 2}}})
    return [bucket["key"] for bucket in answer["aggregations"]["models"]["buckets"]]


def record(es: Elasticsearch, index: str, **facts: Any) -> None:
    """Writes ``facts`` into the ``_meta`` of one index, and leaves what else stands there.

    None takes a fact away. A calibration is of one model: another ``model`` takes it away too.
    """
    (found,) = es.indices.get_mapping(index=index).values()
    es.indices.put_mapping(index=index, meta=_with(found["mappings"], facts))


def recorded_in_template(es: Elasticsearch) -> dict[str, Any]:
    """As `recorded`, of the next index; empty where nothing is installed."""
    template = _template(es)
    return recorded(template["template"].get("mappings", {})) if template else {}


def record_in_template(es: Elasticsearch, **facts: Any) -> None:
    """As `record`, for each index that is made from now on."""
    template = _template(es)
    mapping = template["template"].setdefault("mappings", {})
    mapping["_meta"] = _with(mapping, facts)
    # Not all of what Elasticsearch answers: newer versions add dates, which it doesn't take back.
    own: dict[str, Any] = {key: template[key] for key in ("template", "version", "_meta") if key in template}
    es.cluster.put_component_template(name=TEMPLATE, body=own)


def _template(es: Elasticsearch) -> dict[str, Any]:
    """The component template; empty where there is none."""
    found = es.options(ignore_status=404).cluster.get_component_template(name=TEMPLATE)
    templates = found.get("component_templates", [])
    return dict(templates[0]["component_template"]) if templates else {}


def _with(mapping: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The mapping's ``_meta`` with ``facts`` in our part of it."""
    before = recorded(mapping)
    ours = before | facts
    if ours.get("model") != before.get("model") and "calibration" not in facts:
        ours.pop("calibration", None)
    known = {name: fact for name, fact in ours.items() if fact is not None}
    return {**mapping.get("_meta", {}), OURS: known}


def model_of(es: Elasticsearch, index: str) -> str | None:
    """The model whose vectors ``index`` holds: the one on record, else its documents'; None without either.

    Raises:
        MixedModels: it holds several models' vectors, or others than it should.
    """
    mappings = es.indices.get_mapping(index=index).values()
    facts = [recorded(found["mappings"]) for found in mappings]
    known = {fact["model"] for fact in facts if "model" in fact}
    for field in {".".join(filter(None, (fact.get("target_field"), "model.id"))) for fact in facts}:
        known |= set(held(es, index, field))
    if len(known) > 1:
        raise MixedModels(
            f"[{index}] holds vectors of several models, {sorted(known)}: search one index of one model"
        )
    return next(iter(known), None)
