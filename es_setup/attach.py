"""Adds a face pipeline, and the mapping of its fields, to an index of the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import client_side, index_settings, mappings, models, thresholds
from es_setup.install import InstallStep, has_plugin, put_step
from es_setup.keeping import called_by, face_options, standing_at
from es_setup.mappings import Mapping
from es_setup.other_models import profile_of
from es_setup.shipped_files import HERE, PutRequest, Vectors, shape_vectors, shipped_model
from ingest_service.errors import UserError
from ingest_service.verdicts import Thresholds, of_model

SENT_FIELDS = (
    "image",
    "file.path",
    "file.name",
    "file.path_hash",
    "file.picture_hash",
    "photo.dated_by",
    "url",
    "observer",
    "person",
)
"""Fields of our templates that senders fill and the processor never writes: attached indices lack them."""

OF_PATHS = ("file.path", "file.name")
"""Those of them that are written with a ``path_field``."""
COPIES = ("people", "matched_people", "matched_tags", "candidate_people", "candidate_tags", "face_groups")
"""Fields that our mapping fills with copies of others."""
OTHERS_FIELDS = ("vector", "face", "event", "file")
"""Fields of portraits, which an attached index never has from us, and shared ones, which senders may give to
documents without a photo."""

BASE64_TYPES = ("binary", "text", "match_only_text", "keyword", "wildcard")


class AttachError(UserError):
    """The index can't get the pipeline as it is; the message says what to do."""


@dataclass(frozen=True)
class Attachment:
    """How an index gets its pipeline.

    index: an index, or an alias of one.
    field: the field with the photo.
    target_field: the object that the processor writes into; None for the top of the document.
    path_field: the field with the photo's path, which becomes ``file.path``; None: senders send that.
    keep_unavailable: whether photos that come while the service is away are stored, for `faces retry`; else
        they are refused, for the sender to send again.
    remove_binary: whether the photo is removed once its faces are stored; by default it stays, as it is the
        user's.
    """

    index: str
    field: str
    target_field: str | None = None
    remove_binary: bool = False
    path_field: str | None = None
    keep_unavailable: bool = False

    def at(self, name: str) -> str:
        """The full name of a field that the processor writes."""
        return f"{self.target_field}.{name}" if self.target_field else name

    @property
    def options(self) -> dict[str, Any]:
        """Those of the processor, but for endpoint and model."""
        more = {
            "target_field": self.target_field,
            "path_field": self.path_field,
            "on_unavailable": "keep" if self.keep_unavailable else None,
        }
        return {
            "field": self.field,
            **{name: value for name, value in more.items() if value is not None},
            "remove_binary": self.remove_binary,
            # The user's index may have documents without a photo.
            "ignore_missing": True,
        }

    def pipeline(self, name: str, model: str) -> dict[str, Any]:
        return {
            "description": f"Finds the faces of the photo in [{self.field}], for the index [{name}].",
            "processors": [{"face": {**self.options, "endpoint": "default", "model": model}}],
            "_meta": {"managed_by": "ingest-face"},
        }

    def check(self, name: str) -> dict[str, Any]:
        """The final pipeline."""
        options = {"target_field": self.target_field} if self.target_field else {"allow": list(OTHERS_FIELDS)}
        return {
            "description": f"Refuses faces that no processor [face] found, for the index [{name}].",
            "processors": [{"face_check": options}],
            "_meta": {"managed_by": "ingest-face"},
        }

    def mapping(self, vectors: Vectors | None, dims: int | None) -> Mapping:
        """The properties of everything that the processor writes."""
        written: Mapping = {}
        for name in ("faces-photo", "faces-nested"):
            file = HERE / "component_templates" / f"{name}.json"
            written |= json.loads(file.read_text())["template"]["mappings"]["properties"]
        for name in SENT_FIELDS:
            if not (self.path_field and name in OF_PATHS):
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
    dry_run: bool = False,
    uncalibrated: Thresholds | None = None,
) -> Iterator[InstallStep]:
    """PUTs a pipeline for the index, maps what it writes, and makes it the index's default. What somebody
    changed in the pipeline is kept. Where the templates are installed for a cluster without the plugin, the
    index records instead how `faces worker` processes its documents.

    Yields after each step; a second run changes nothing.

    Args:
        model: id of the model that the pipeline pins and the index records; default: that of our files.
        vectors: how vectors are indexed; default: as in the templates.
        overwrite: replaces another default pipeline, and what somebody changed in ours.
        dims: length of a vector; default: the templates' 128.
        dry_run: changes nothing, and yields what would be done.
        uncalibrated: the thresholds that the index records for the model; default: those of its profile.

    Raises:
        AttachError: the name isn't a single index; or the index has fields of other types, vectors of another
            model, or another default pipeline. In the last case everything but the default pipeline was
            changed, else nothing.
    """
    by_worker = client_side.is_chosen(es)
    if not by_worker and not has_plugin(es):
        raise AttachError(
            "Elasticsearch lacks the plugin [ingest-face]: see `faces install`. To do without it, run `faces "
            "install --without-plugin` first"
        )
    model = model or shipped_model()
    index, found = _only_index(es, attachment.index)
    pipeline = f"faces-{index}"
    _check_model(es, index, attachment, model)
    absent = _check_fields(attachment, attachment.mapping(vectors, dims), index, found["mappings"])
    if not by_worker:
        _check_pipeline(es, pipeline)
        request = PutRequest(f"/_ingest/pipeline/{pipeline}", attachment.pipeline(index, model))
        yield put_step(es, request, vectors, overwrite, dry_run)
    if absent and not dry_run:
        index_settings.add_fields(es, index, absent)
    added = f"{mappings.count(absent)} fields added" if absent else "nothing to add"
    yield InstallStep(f"PUT /{index}/_mapping", added)
    if not dry_run:
        options = attachment.options if by_worker else None
        _record(es, index, attachment, model, uncalibrated or of_model(model), options)
    if by_worker:
        yield InstallStep(f"PUT /{index}/_settings", _settings_for_worker(es, index, dry_run))
        before = f"`faces worker {index}` finds them"
    else:
        check = PutRequest(f"/_ingest/pipeline/{index_settings.CHECK}-{index}", attachment.check(index))
        yield put_step(es, check, vectors, overwrite, dry_run)
        outcome = _set_default(es, index, pipeline, overwrite, dry_run)
        yield InstallStep(f"PUT /{index}/_settings", f"{outcome}; {_set_rest(es, index, dry_run)}")
        before = (
            f"to find them: POST {index}/_update_by_query?pipeline={pipeline}, or the Python script in "
            "docs/indices.md"
        )
    without_faces = {"bool": {"must_not": [{"exists": {"field": attachment.at("model.id")}}]}}
    if count := es.count(index=index, query=without_faces)["count"]:
        yield InstallStep("documents from before", f"{count} have no faces yet; {before}")


def _record(
    es: Elasticsearch,
    index: str,
    attachment: Attachment,
    model: str,
    uncalibrated: Thresholds,
    options: dict[str, Any] | None,
) -> None:
    """Into the ``_meta``; valid thresholds for this model stay."""
    (found,) = es.indices.get_mapping(index=index).values()
    recorded = models.recorded(found["mappings"])
    facts: dict[str, Any] = {
        "model": model,
        "field": attachment.field,
        "target_field": attachment.target_field,
        client_side.WORKER: options,
    }
    if recorded.get("model") != model or not thresholds.are_recorded(recorded):
        facts[thresholds.THRESHOLDS] = thresholds.as_meta(uncalibrated)
    models.record(es, index, **facts)


def _set_rest(es: Elasticsearch, index: str, dry_run: bool) -> str:
    """Sets the final pipeline and what else the index has no value for; another final pipeline stays."""
    check = f"{index_settings.CHECK}-{index}"
    lacking = index_settings.lacking(es, index, check)
    if lacking and not dry_run:
        es.indices.put_settings(index=index, settings=lacking)
    return index_settings.unchecked(es, index, check) or f"final_pipeline is {check}"


def _settings_for_worker(es: Elasticsearch, index: str, dry_run: bool) -> str:
    """Sets what the index has no value for; its pipelines stay as they are."""
    lacking = client_side.lacking(es, index)
    if lacking and not dry_run:
        es.indices.put_settings(index=index, settings=lacking)
    added = f"; added: {', '.join(lacking)}" if lacking else ""
    return f"no pipeline of ours: documents get their faces from `faces worker {index}`{added}"


def _only_index(es: Elasticsearch, name: str) -> tuple[str, dict[str, Any]]:
    found = es.options(ignore_status=404).indices.get(index=name)
    if found.meta.status == 404 or not found.body:
        raise AttachError(f"no such index [{name}]: create it first, with the mapping of your fields")
    if len(found.body) > 1:
        raise AttachError(
            f"[{name}] is {len(found.body)} indices, {sorted(found.body)}: attach each by its name"
        )
    ((index, facts),) = found.body.items()
    if "data_stream" in facts:
        raise AttachError(
            f"[{name}] is a data stream, whose indices come from a template: add the component templates "
            "[faces-photo] and [faces-nested] and the settings `index.default_pipeline` and "
            "`index.final_pipeline` to that template"
        )
    return index, facts


def _check_fields(attachment: Attachment, wanted: Mapping, index: str, mapping: dict[str, Any]) -> Mapping:
    """The wanted fields that the index's mapping lacks.

    Raises:
        AttachError: fields of these names have other types; the message lists all of them.
    """
    present = mapping.get("properties", {})
    absent, unfit = mappings.compare(wanted, present)
    if not (mappings.find(present, attachment.at("faces.label.name")) or {}).get("copy_to"):
        names = [attachment.at(name) for name in COPIES]
        unfit += [
            f"[{name}] is your own, must be filled by the mapping alone"
            for name in names
            if mappings.find(present, name)
        ]
    if unfit:
        raise AttachError(
            f"the processor can't write these fields of [{index}]: {'; '.join(unfit)}. Nothing was changed. "
            "Use --target-field with an unused name, such as [portrait], to write everything below it; or "
            "reindex into an index without these fields"
        )
    photo = mappings.find(present, attachment.field)
    if photo is None:
        mappings.add(absent, mappings.below(attachment.field, {"type": "binary"}))
    elif (kind := photo.get("type", "object")) not in BASE64_TYPES:
        raise AttachError(
            f"field [{attachment.field}] of [{index}] is of type [{kind}], which can't hold base64. Use one "
            f"of {list(BASE64_TYPES)}, best [binary], which isn't indexed"
        )
    return absent


def _check_model(es: Elasticsearch, index: str, attachment: Attachment, model: str) -> None:
    others = [held for held in models.held(es, index, attachment.at("model.id")) if held != model]
    if others:
        raise AttachError(
            f"[{index}] holds vectors of {others}, which can't be compared with those of [{model}]. Nothing "
            f"was changed. To stay with them, attach with --model {others[0]} and start the service with "
            f"FACES_PROFILE={profile_of(others[0])}. To switch, create another index, attach that one, and "
            "send the photos there"
        )


def _check_pipeline(es: Elasticsearch, name: str) -> None:
    """
    Raises:
        AttachError: the pipeline of this name was made for something else. One of ours that somebody PUT
            again may have lost its ``_meta``, but finds faces.
    """
    found = standing_at(es, f"/_ingest/pipeline/{name}") or {}
    ours = found.get("_meta", {}).get("managed_by") == "ingest-face"
    if found and not ours and not any(face_options(found.get("processors"))):
        raise AttachError(
            f"pipeline [{name}] exists, not managed by ingest-face: delete or rename it. Nothing was changed"
        )


def _set_default(es: Elasticsearch, index: str, pipeline: str, overwrite: bool, dry_run: bool) -> str:
    settings = es.indices.get_settings(index=index)[index]["settings"]["index"]
    before = settings.get("default_pipeline", "_none")
    if before == pipeline:
        return f"default_pipeline is {pipeline}"
    if before != "_none" and not overwrite:
        if pipeline in called_by(es, before):
            return f"default_pipeline stays {before}, which calls {pipeline}"
        step = json.dumps({"pipeline": {"name": pipeline}})
        raise AttachError(
            f"[{index}] keeps its default pipeline [{before}]. Pipeline [{pipeline}] and the mapping "
            f"{'would be' if dry_run else 'were'} added: add the processor {step} to [{before}]; or replace "
            "it with --overwrite"
        )
    if not dry_run:
        es.indices.put_settings(index=index, settings={"index.default_pipeline": pipeline})
    return f"default_pipeline is {pipeline}" + (f", was {before}" if before != "_none" else "")
