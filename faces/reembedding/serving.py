"""Which service Elasticsearch asks, and with which pipelines, while two models are in use.

Each index has a pipeline for its own model: the new one gets copies of the old one's pipelines, which pin the
new model and ask an endpoint of their own. So a document is processed rightly whichever index it is sent to,
and none is refused when the aliases move.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError, AuthorizationException, Elasticsearch

from es_setup import models
from es_setup.connection import innermost_reason
from es_setup.install import InstallStep, has_plugin, install
from es_setup.keeping import called_by, face_options, standing_at, steps_of
from es_setup.other_models import check_refusal, profile_of
from es_setup.shipped_files import ALIASES
from faces.reembedding.new_indices import DEFAULT_PIPELINE
from faces.reembedding.run import Run
from faces.refusals import BUSY, is_lasting, probe
from faces.searchable import searchable
from ingest_service.errors import UserError
from ingest_service.verdicts import Thresholds

DEFAULT = "default"
SUFFIX = "-reembedding"
"""Of the name of a pipeline's copy."""


class NotAsked(UserError):
    """Elasticsearch can't ask the service of the new model; the message says why, and what to do."""


class NotAllowed(UserError):
    """This user lacks a right; the message says which role has it."""


def urls_of(endpoint: str) -> str:
    """The name of the cluster's setting."""
    return f"face.endpoint.{endpoint}.urls"


def endpoint_of(run: Run) -> str:
    """The name of the endpoint of the new model's service: that of the model's profile."""
    return profile_of(run.model)


def takes_default(run: Run) -> bool:
    """Whether our own pipelines get the new model, and with them the endpoint that is asked by default."""
    return any(move.pipeline in ALIASES for move in run.moves)


def asking_default(es: Elasticsearch, model: str) -> list[str]:
    """The indices that take documents whose faces another model than this finds, by the default endpoint."""
    wanted = [DEFAULT_PIPELINE, "index.blocks.write", "index.blocks.read_only"]
    settings = es.indices.get_settings(index="*", name=wanted, allow_no_indices=True, flat_settings=True)
    found = []
    for index, facts in sorted(settings.items()):
        pipeline = facts["settings"].get(DEFAULT_PIPELINE)
        if "true" in (facts["settings"].get(block) for block in wanted[1:]):
            continue
        steps = [steps_of(es, one) for one in _all_called(es, pipeline)]
        asked = [one for one in face_options(steps) if one.get("endpoint", DEFAULT) == DEFAULT]
        if any(one.get("model") not in (None, model) for one in asked):
            mapping = es.indices.get_mapping(index=index)[index]["mappings"]
            if models.recorded(mapping).get("model") != model:
                found.append(index)
    return found


def persistent_urls(es: Elasticsearch) -> list[str] | None:
    """What the cluster's settings say of the default endpoint; None where only the nodes' files do."""
    found = es.cluster.get_settings(flat_settings=True)["persistent"].get(urls_of(DEFAULT))
    return None if found is None else found if isinstance(found, list) else json.loads(found)


def set_urls(es: Elasticsearch, endpoint: str, urls: list[str] | None) -> None:
    """For all nodes; None: as their files say."""
    es.cluster.put_settings(persistent={urls_of(endpoint): urls})


def open_endpoint(es: Elasticsearch, run: Run) -> None:
    """Lets pipelines ask the service of the new model by an endpoint of its own.

    Raises:
        NotAllowed: this user may not.
        NotAsked: the cluster's settings forbid it, or it doesn't answer there.
        OtherModel: it serves another model there.
    """
    try:
        set_urls(es, endpoint_of(run), [run.url])
    except AuthorizationException:
        raise NotAllowed(
            "this user may not change the cluster's settings, by which Elasticsearch learns the address of "
            "the new model's service: with the plugin `faces reembed` needs the role [faces_reembedder] "
            "beside [faces_admin] (`faces install --roles`). Nothing was changed"
        ) from None
    except ApiError as error:
        raise _not_asked(run, innermost_reason(error)) from None
    field = searchable(es, run.sources[0]).fields[0]
    asked = {"endpoint": endpoint_of(run), "model": run.model}
    try:
        es.search(index=run.sources[0], size=0, query=probe(field, asked))
    except ApiError as error:
        reason = innermost_reason(error)
        # One pixel has no face, which says nothing of the service.
        if error.status_code == BUSY or is_lasting(reason):
            check_refusal(reason, run.name)
            raise _not_asked(run, reason) from None


def copy_pipelines(es: Elasticsearch, pipeline: str, run: Run) -> str:
    """PUTs copies of a pipeline, and of those that it calls, for another model; returns the copy's name."""
    named = f"{pipeline}{SUFFIX}"
    body = standing_at(es, f"/_ingest/pipeline/{pipeline}")
    if body is None:
        return pipeline
    body = copy.deepcopy(body)
    for called in called_by(es, pipeline):
        _rename_call(body, called, copy_pipelines(es, called, run))
    for options in face_options([body.get("processors"), body.get("on_failure")]):
        options |= {"model": run.model, "endpoint": endpoint_of(run)}
    es.ingest.put_pipeline(id=named, body=body)
    return named


def put_pipelines_back(es: Elasticsearch, run: Run, pair: Thresholds) -> Iterator[InstallStep]:
    """Pins the new model in the pipelines and templates themselves, and gives the targets their pipelines."""
    if takes_default(run):
        yield from install(es, run.model, dims=run.dims, uncalibrated=pair)
    for move in run.moves:
        for pipeline in _all_called(es, move.pipeline):
            path = f"/_ingest/pipeline/{pipeline}"
            body = standing_at(es, path)
            found = list(face_options([body.get("processors"), body.get("on_failure")])) if body else []
            # An index that gets another model alone goes on asking that model's service.
            own = {} if takes_default(run) else {"endpoint": DEFAULT if run.back else endpoint_of(run)}
            if any(options != options | {"model": run.model} | own for options in found):
                for options in found:
                    options.update({"model": run.model} | own)
                es.ingest.put_pipeline(id=pipeline, body=body)
                yield InstallStep(f"PUT {path}", f"pins {run.model}")
        if move.pipeline:
            es.indices.put_settings(index=move.target, settings={DEFAULT_PIPELINE: move.pipeline})
    _restore_calibration(es, run)


def remove_copies(es: Elasticsearch, run: Run) -> None:
    """Once nobody can be sending through them any more."""
    for move in run.moves:
        for pipeline in _all_called(es, move.pipeline):
            es.options(ignore_status=404).ingest.delete_pipeline(id=f"{pipeline}{SUFFIX}")
    if has_plugin(es) and takes_default(run):
        for model in (run.model, *run.old_models):
            set_urls(es, profile_of(model), None)


def _not_asked(run: Run, reason: str) -> NotAsked:
    return NotAsked(
        f"Elasticsearch can't ask the service of [{run.model}] at [{run.url}]: {reason}. Name the address by "
        "which Elasticsearch reaches it by --endpoint-url; a key for it belongs into the keystore of each "
        f"node, as [face.endpoint.{endpoint_of(run)}.api_key]"
    )


def _restore_calibration(es: Elasticsearch, run: Run) -> None:
    """For new indices, where all that take a place were calibrated alike before."""
    if models.recorded_in_template(es).get("model") != run.model:
        return
    found = [
        models.recorded(es.indices.get_mapping(index=move.target)[move.target]["mappings"]).get("calibration")
        for move in run.moves
    ]
    if found and found[0] and all(one == found[0] for one in found):
        models.record_in_template(es, model=run.model, calibration=found[0])


def _all_called(es: Elasticsearch, pipeline: str | None) -> list[str]:
    """The pipeline, and all that it calls."""
    if pipeline is None:
        return []
    found = [pipeline]
    for one in found:
        found += [called for called in called_by(es, one) if called not in found]
    return found


def _rename_call(body: dict[str, Any], called: str, instead: str) -> None:
    for step in body.get("processors", []):
        if "pipeline" in step and step["pipeline"].get("name") == called:
            step["pipeline"]["name"] = instead
