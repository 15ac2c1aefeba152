"""Indices whose documents get their faces from `faces worker`, where no node has the plugin.

Their ``_meta`` has the options that a pipeline's processor [face] would have, but for the model, which stands
beside them, and the endpoint, which is the service that the worker is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import index_settings, models
from es_setup.keeping import face_options
from es_setup.shipped_files import (
    ALIASES,
    ARCHIVE,
    GALLERY,
    HERE,
    PROBES,
    PutRequest,
    Vectors,
    requests,
)
from ingest_service.verdicts import Thresholds

WORKER = "worker"
"""The name of the options in our part of a mapping's ``_meta``."""
OF_A_PIPELINE = ("endpoint", "model")
"""Options that only a pipeline needs."""
NOT_ON_SERVERLESS = ("number_of_shards", "auto_expand_replicas", "field_name_length")
"""Settings of our templates that a serverless project refuses: they aren't in Elastic's list "Index settings
available in Elastic Cloud Serverless projects"."""


def options_in(recorded: dict[str, Any]) -> dict[str, Any] | None:
    """The options that an index records; None if its documents pass a pipeline.

    Args:
        recorded: our part of its ``_meta``.
    """
    found = recorded.get(WORKER)
    return found if isinstance(found, dict) else None


def shipped_options(alias: str) -> dict[str, Any]:
    """Those of the pipeline that the plugin would run for an alias of ours."""
    pipeline = json.loads((HERE / "pipelines" / f"{alias}.json").read_text())
    (options,) = face_options(pipeline["processors"])
    return without_pipelines_own(options)


def without_pipelines_own(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in OF_A_PIPELINE}


def is_chosen(es: Elasticsearch) -> bool:
    """Whether the installed templates are those for a cluster without the plugin."""
    found = es.options(ignore_status=404).indices.get_index_template(name=ARCHIVE).body
    return any(
        options_in(models.recorded(one["index_template"].get("template", {}).get("mappings", {})))
        for one in found.get("index_templates", [])
    )


def is_serverless(es: Elasticsearch) -> bool:
    return bool(es.info()["version"].get("build_flavor") == "serverless")


def requests_without_plugin(
    model: str | None = None,
    vectors: Vectors | None = None,
    dims: int | None = None,
    uncalibrated: Thresholds | None = None,
    serverless: bool = False,
) -> list[PutRequest]:
    """As `es_setup.shipped_files.requests`, without pipelines; indices record the worker's options instead.

    Args:
        serverless: leave out the settings that a serverless project refuses.
    """
    return [
        _without_plugin(put, serverless)
        for put in requests(model, vectors, dims, uncalibrated)
        if not put.path.startswith("/_ingest/")
    ]


def installed_requests(es: Elasticsearch, model: str | None = None) -> list[PutRequest]:
    """Every pipeline and template of the kind that is installed: with the plugin, or without it."""
    if not is_chosen(es):
        return requests(model)
    return requests_without_plugin(model, serverless=is_serverless(es))


def _without_plugin(put: PutRequest, serverless: bool) -> PutRequest:
    kind, _, name = put.path.rpartition("/")
    body = put.body
    if kind == "/_index_template" and name in ALIASES:
        meta = {models.OURS: {WORKER: shipped_options(name)}}
        body = {**body, "template": {"mappings": {"_meta": meta}}}
    elif serverless and "index" in (settings := body.get("template", {}).get("settings", {})):
        allowed = _allowed(settings["index"])
        body = {**body, "template": {**body["template"], "settings": {"index": allowed}}}
    return PutRequest(put.path, body)


def _allowed(settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings that a serverless project takes."""
    return {
        name: _allowed(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name not in NOT_ON_SERVERLESS
    }


def lacking(es: Elasticsearch, index: str) -> dict[str, str]:
    """As `es_setup.index_settings.lacking`, without a final pipeline."""
    refused = NOT_ON_SERVERLESS if is_serverless(es) else ()
    return {
        name: value
        for name, value in index_settings.lacking(es, index).items()
        if name != index_settings.FINAL and not any(f".{one}" in name for one in refused)
    }


def templated(es: Elasticsearch) -> dict[str, str]:
    """Each index that records the worker's options from a template of ours -> the alias of its kind."""
    path = f"*.mappings._meta.{models.OURS}"
    found = es.indices.get_mapping(index="*", allow_no_indices=True, filter_path=path)
    recorded = {index: models.recorded(facts.get("mappings", {})) for index, facts in found.items()}
    return {
        index: kind_of(options)
        for index, facts in sorted(recorded.items())
        # What is attached records its field, too.
        if (options := options_in(facts)) is not None and "field" not in facts
    }


def kind_of(options: dict[str, Any]) -> str:
    """The alias of ours whose documents are processed so."""
    return GALLERY if options.get("single_face") else PROBES if "identify" in options else ARCHIVE


def to_worker(es: Elasticsearch, index: str, alias: str, dry_run: bool) -> Iterator[tuple[str, str]]:
    """Lets the worker give an index's documents their faces; yields each request with what became of it."""
    settings = es.indices.get_settings(index=index, name="index.*_pipeline", flat_settings=True).body
    ours = {"index.default_pipeline": alias, index_settings.FINAL: index_settings.CHECK}
    standing = settings.get(index, {}).get("settings", {})
    gone: dict[str, Any] = {name: None for name, pipeline in ours.items() if standing.get(name) == pipeline}
    if gone:
        if not dry_run:
            es.indices.put_settings(index=index, settings=gone)
        yield f"PUT /{index}/_settings", f"removed: {', '.join(gone)}"
    if _recorded(es, index) is None:
        if not dry_run:
            models.record(es, index, **{WORKER: shipped_options(alias)})
        yield f"PUT /{index}/_mapping", "its documents get their faces from `faces worker`"


def to_plugin(es: Elasticsearch, index: str, alias: str, dry_run: bool) -> Iterator[tuple[str, str]]:
    """Lets the plugin do what the worker did; yields as `to_worker`."""
    if _recorded(es, index) is None:
        return
    if not dry_run:
        es.indices.put_settings(index=index, settings={"index.default_pipeline": alias})
        models.record(es, index, **{WORKER: None})
    yield f"PUT /{index}/_settings", f"default_pipeline is {alias}, in place of `faces worker`"


def _recorded(es: Elasticsearch, index: str) -> dict[str, Any] | None:
    (found,) = es.indices.get_mapping(index=index).values()
    return options_in(models.recorded(found["mappings"]))
