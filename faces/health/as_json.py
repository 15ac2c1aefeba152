"""The report of `faces status` for scripts. Names that are there stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from es_setup.other_models import what_to_do
from es_setup.shipped_files import ALIASES
from es_setup.thresholds import as_meta
from faces.calibration.indices import listed
from faces.health.indices import Indices, OurIndex
from faces.health.installation import Installation
from faces.health.report import ElasticsearchReport, HealthReport


def elasticsearch_as_json(es: ElasticsearchReport, unreachable: str | None) -> dict[str, Any]:
    """
    Args:
        unreachable: why Elasticsearch doesn't answer, in words, if it doesn't.
    """
    facts: dict[str, Any] = {"ok": False, "url": es.url}
    if cluster := es.cluster:
        facts |= {
            "versions": cluster.versions,
            "licence": cluster.licence,
            "status": cluster.status,
            "nodes": [asdict(node) | {"fits": node.fits} for node in cluster.nodes or ()],
            "plugin": cluster.has_plugin,
            "by_worker": es.by_worker,
        }
    if es.endpoints and es.endpoints.known is not None:
        facts["endpoints"] = [endpoint.as_json() for endpoint in es.endpoints.known]
        facts["unanswered"] = es.endpoints.unanswered
    if es.installation:
        facts |= _installation(es.installation)
    if es.disks is not None:
        facts["disks"] = [disk.as_json() for disk in es.disks]
    if es.indices is not None:
        facts |= _indices(es.indices)
    facts["unfinished_forgets"] = None if es.unfinished is None else len(es.unfinished)
    facts["unfinished_reembeds"] = es.unfinished_reembeddings
    facts["unseen"] = [one.as_json() for one in es.unseen]
    if problem := unreachable or (_unsearchable(es.indices) if es.indices else None):
        facts["error"] = problem
    facts["ok"] = not problem and (facts.get("plugin") is True or es.by_worker) and facts.get("missing") == []
    return facts


def _installation(made: Installation) -> dict[str, Any]:
    return {
        "missing": None if made.missing is None else list(made.missing),
        "edited": None if made.edited is None else [outcome.path for outcome in made.edited],
        "logged": None if made.logged is None else list(map(str, made.logged)),
        "journal": made.journal,
    }


def _indices(indices: Indices) -> dict[str, Any]:
    models = {alias: indices.models_of(alias) for alias in ALIASES}
    archive = [index.held for index in indices.places.get("faces", ()) if index.held]
    return {
        "models": {alias: found[0] if len(found) == 1 else None for alias, found in models.items()},
        "calibrated": {one.name: one.judged.calibration is not None for one in indices.ours},
        "thresholds": {one.name: as_meta(one.judged.thresholds) for one in indices.ours},
        "photos": sum(held.documents for held in archive),
        "failed": sum(sum(held.failures.values()) for held in archive),
        "indices": [_index(one) for one in indices.ours],
    }


def _index(one: OurIndex) -> dict[str, Any]:
    return {
        "name": one.name,
        "alias": one.alias,
        "writes": one.writes,
        "closed": one.closed,
        "blocks": list(one.blocks),
        "pipeline": one.pipeline,
        "models": list(one.models),
        "gallery_size": one.judged.calibration.gallery_size if one.judged.calibration else None,
        "size": one.size,
        "held": asdict(one.held) if one.held else None,
    }


def _unsearchable(indices: Indices) -> str | None:
    """Why searches of one of our aliases fail: by a closed index, or vectors of several models."""
    for alias in ALIASES:
        if closed := [index.name for index in indices.places.get(alias, ()) if index.closed]:
            return f"{listed(closed)} of [{alias}] is closed: searches of [{alias}] fail"
        if len(held := indices.models_of(alias)) > 1:
            return f"[{alias}] holds vectors of several models, {listed(held)}, which can't be compared"
    return None


def service_as_json(health: HealthReport) -> dict[str, Any]:
    """With an error if its model isn't that of an index, which then refuses all photos."""
    service = health.service
    facts: dict[str, Any] = {"ok": service.problem is None, "url": service.url}
    if served := service.served:
        facts |= {name: value for name, value in asdict(served).items() if name != "dims" and value}
        facts["model"] = facts.pop("id")
        facts["key_accepted"] = service.key_accepted
    if service.problem:
        facts["error"] = service.problem
    indices = health.elasticsearch.indices
    if served and indices:
        held = {place: indices.models_of(place) for place in indices.places if not indices.is_retired(place)}
        others = {
            place: found[0] for place, found in held.items() if len(found) == 1 and found != [served.id]
        }
        if others:
            told = ", ".join(f"[{place}] has [{model}]" for place, model in others.items())
            advice = what_to_do(next(iter(others.values())), served.id)
            # What is attached may keep a model of its own.
            facts["ok"] = facts["ok"] and not others.keys() & set(ALIASES)
            facts |= {"error": f"it serves model [{served.id}], but {told}. {advice}"}
    return facts
