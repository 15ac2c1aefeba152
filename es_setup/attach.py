"""Gives an index of the user's own a pipeline of its own, and the mapping of what that writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import mappings, models
from es_setup.install import has_plugin
from es_setup.mappings import Mapping
from es_setup.shipped_files import HERE, Vectors, shape_vectors, shipped_model
from ingest_service.errors import UserError

SENDERS = ("image", "file.path", "file.name", "url", "observer", "person")
"""What our templates map and the processor never writes: other people's indices have names of their own."""

HOLDS_BASE64 = ("binary", "text", "match_only_text", "keyword", "wildcard")


class AttachError(UserError):
    """The index can't have the pipeline as it is; the message says what to do."""


@dataclass(frozen=True)
class Attachment:
    """
    index: an index, or an alias of one.
    field: where its documents have their photo.
    target_field: the object that gets everything the processor writes; None for the top of the document.
    remove_binary: whether the photo goes once its faces are there. It is the user's, so it stays.
    """

    index: str
    field: str
    target_field: str | None = None
    remove_binary: bool = False

    def at(self, name: str) -> str:
        """Where a field of ours lies."""
        return f"{self.target_field}.{name}" if self.target_field else name

    def pipeline(self, name: str, model: str) -> dict[str, Any]:
        target = {"target_field": self.target_field} if self.target_field else {}
        options = {
            "field": self.field,
            **target,
            "endpoint": "default",
            "model": model,
            "remove_binary": self.remove_binary,
            # An index of one's own may have documents without a photo.
            "ignore_missing": True,
        }
        return {
            "description": f"Finds the faces of the photo in [{self.field}], for the index [{name}].",
            "processors": [{"face": options}],
            "_meta": {"managed_by": "ingest-face"},
        }

    def mapping(self, vectors: Vectors | None, dims: int | None) -> Mapping:
        """Of everything that the processor writes."""
        written: Mapping = {}
        for name in ("faces-photo", "faces-nested"):
            file = HERE / "component_templates" / f"{name}.json"
            written |= json.loads(file.read_text())["template"]["mappings"]["properties"]
        for name in SENDERS:
            mappings.remove(written, name)
        shape_vectors(written, vectors, dims)
        for field in mappings.fields(written):
            if "copy_to" in field:
                field["copy_to"] = self.at(field["copy_to"])
        if self.target_field:
            written = mappings.below(self.target_field, {"properties": written})
        return written


def attach(
    es: Elasticsearch,
    attachment: Attachment,
    model: str | None = None,
    vectors: Vectors | None = None,
    overwrite: bool = False,
    dims: int | None = None,
) -> Iterator[tuple[str, str]]:
    """PUTs a pipeline for the index, maps what it writes, and makes it the index's default.

    Yields (what, outcome) as it goes; a second run changes nothing.

    Args:
        model: for the pipeline to pin and the index to record; by default that of our files.
        vectors: how vectors are indexed, instead of as the templates say.
        overwrite: replaces another default pipeline.
        dims: numbers of a vector, instead of the templates' 128.

    Raises:
        AttachError: the index isn't one, has fields that don't fit, vectors of another model, or another
            default pipeline. In the last case all but the default was put, else nothing.
    """
    if not has_plugin(es):
        raise AttachError("Elasticsearch lacks the plugin [ingest-face]: see `faces install`")
    model = model or shipped_model()
    index, found = _only_index(es, attachment.index)
    pipeline = f"faces-{index}"
    absent = _check_fields(attachment, attachment.mapping(vectors, dims), index, found["mappings"])
    _check_model(es, index, attachment, model)
    _check_pipeline(es, pipeline)

    es.ingest.put_pipeline(id=pipeline, body=attachment.pipeline(index, model))
    yield f"PUT /_ingest/pipeline/{pipeline}", "ok"
    if absent:
        es.indices.put_mapping(index=index, properties=absent)
    yield f"PUT /{index}/_mapping", f"{mappings.count(absent)} fields added" if absent else "nothing to add"
    models.record(es, index, model=model, field=attachment.field, target_field=attachment.target_field)
    yield f"PUT /{index}/_settings", _set_default(es, index, pipeline, overwrite)
    without = {"bool": {"must_not": [{"exists": {"field": attachment.at("model.id")}}]}}
    if count := es.count(index=index, query=without)["count"]:
        yield (
            "documents from before",
            f"{count} have no faces yet; POST {index}/_update_by_query?pipeline={pipeline} finds them, "
            "or the lines of Python in docs/indices.md",
        )


def _only_index(es: Elasticsearch, name: str) -> tuple[str, dict[str, Any]]:
    found = es.options(ignore_status=404).indices.get(index=name)
    if found.meta.status == 404 or not found.body:
        raise AttachError(f"no such index [{name}]: create it first, with the mapping of your own fields")
    if len(found.body) > 1:
        raise AttachError(
            f"[{name}] is {len(found.body)} indices, {sorted(found.body)}: attach them one by one"
        )
    ((index, facts),) = found.body.items()
    if "data_stream" in facts:
        raise AttachError(
            f"[{name}] is a data stream, whose indices come from its template: add the component templates "
            "[faces-photo] and [faces-nested] to that, and `index.default_pipeline`"
        )
    return index, facts


def _check_fields(attachment: Attachment, wanted: Mapping, index: str, mapping: dict[str, Any]) -> Mapping:
    """What of the wanted fields isn't in the index's mapping yet.

    Raises:
        AttachError: fields of another type are in the way, with all their names.
    """
    present = mapping.get("properties", {})
    absent, unfit = mappings.compare(wanted, present)
    if unfit:
        raise AttachError(
            f"[{index}] has fields where the processor writes, and they don't fit: {'; '.join(unfit)}. "
            "Nothing was changed. Use --target-field with a name that is free, such as [portrait]: "
            "everything goes below it; or reindex into an index without these fields"
        )
    photo = mappings.find(present, attachment.field)
    if photo is None:
        mappings.add(absent, mappings.below(attachment.field, {"type": "binary"}))
    elif photo.get("type", "object") not in HOLDS_BASE64:
        kind = photo.get("type", "object")
        raise AttachError(
            f"field [{attachment.field}] of [{index}] is of type [{kind}], which holds no base64. It must be "
            f"one of {list(HOLDS_BASE64)}, best [binary], which isn't indexed"
        )
    return absent


def _check_model(es: Elasticsearch, index: str, attachment: Attachment, model: str) -> None:
    others = [held for held in models.held(es, index, attachment.at("model.id")) if held != model]
    if others:
        raise AttachError(
            f"[{index}] holds vectors of {others}, which can't be compared with those of [{model}]. Nothing "
            f"was changed. Attach with --model {others[0]}; or make another index and send the photos there"
        )


def _check_pipeline(es: Elasticsearch, name: str) -> None:
    found = es.options(ignore_status=404).ingest.get_pipeline(id=name).body.get(name)
    if found and found.get("_meta", {}).get("managed_by") != "ingest-face":
        raise AttachError(
            f"a pipeline [{name}] is there and isn't ours: delete or rename it. Nothing was changed"
        )


def _set_default(es: Elasticsearch, index: str, pipeline: str, overwrite: bool) -> str:
    settings = es.indices.get_settings(index=index)[index]["settings"]["index"]
    before = settings.get("default_pipeline", "_none")
    if before == pipeline:
        return f"default_pipeline is {pipeline}"
    if before != "_none" and not overwrite:
        if pipeline in _called(es, before):
            return f"default_pipeline {before} stays, it calls {pipeline}"
        step = json.dumps({"pipeline": {"name": pipeline}})
        raise AttachError(
            f"[{index}] has the default pipeline [{before}], which stays. Pipeline [{pipeline}] and mapping "
            f"are there: add the processor {step} to [{before}]; or replace it with --overwrite"
        )
    es.indices.put_settings(index=index, settings={"index.default_pipeline": pipeline})
    return f"default_pipeline is {pipeline}" + (f", was {before}" if before != "_none" else "")


def _called(es: Elasticsearch, pipeline: str) -> list[str]:
    """The pipelines that a pipeline calls."""
    found = es.options(ignore_status=404).ingest.get_pipeline(id=pipeline).body.get(pipeline, {})
    return [step["pipeline"]["name"] for step in found.get("processors", []) if "pipeline" in step]
