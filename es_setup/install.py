"""PUTs the JSON files of this folder into Elasticsearch, and says what is missing there."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from elasticsearch import ApiError, AuthorizationException, Elasticsearch

from es_setup import client_side, index_settings, keeping, mappings, models, other_models, thresholds
from es_setup.mappings import Mapping, face_vectors
from es_setup.other_models import dims_of, written_to
from es_setup.shipped_files import (
    ALIASES,
    CREATED,
    FORGOTTEN,
    HERE,
    JOURNAL,
    PutRequest,
    Vectors,
    requests,
    role_requests,
    shipped_model,
    template_fields,
)
from ingest_service.errors import UserError
from ingest_service.verdicts import Thresholds, of_model

NOT_ON_SERVERLESS = 410
"""The status of a request that a serverless project doesn't answer."""


class InstallError(UserError):
    """The cluster isn't ready for the templates; the message says what to do."""


@dataclass(frozen=True)
class InstallStep:
    """A request, and what became of it. kept: whether something that somebody changed was left as it is."""

    request: str
    outcome: str
    kept: bool = False


def install(
    es: Elasticsearch,
    model: str | None = None,
    vectors: Vectors | None = None,
    dims: int | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    new_indices: bool = False,
    uncalibrated: Thresholds | None = None,
    without_plugin: bool = False,
) -> Iterator[InstallStep]:
    """PUTs pipelines and templates, creates the first index of each alias that has none, and adds to existing
    indices the fields and settings that they lack. What somebody changed in a pipeline or template is kept.

    Yields after each step; a second run changes nothing.

    Args:
        model, dims: as in `requests`.
        vectors: as there; default: as they are, at first as each file says.
        overwrite: replaces what somebody changed.
        dry_run: changes nothing, and yields what would be done.
        new_indices: puts new indices in the place of those that can't take vectors of ``model``.
        uncalibrated: as in `requests`.
        without_plugin: PUT no pipeline: `faces worker` gives documents their faces.

    Raises:
        InstallError: a node lacks the plugin, and ``without_plugin`` isn't wanted; an index has an alias's
            name; or an index that the pipelines write to has another model or other dimensions, and no
            ``new_indices`` are wanted. Then nothing was changed. Or, after all steps, because the user may
            not change the settings of an index.
    """
    if not without_plugin and not has_plugin(es):
        raise InstallError(
            "Elasticsearch lacks the plugin [ingest-face]: install it on every node with "
            "`bin/elasticsearch-plugin install file:///path/to/ingest-face.zip` and restart them. Or do "
            "without it: `faces install --without-plugin`, and `faces worker` finds the faces"
        )
    for alias in CREATED:
        _require_no_index(es, alias)
    model = model or shipped_model()
    uncalibrated = uncalibrated or of_model(model)
    puts = _puts(es, model, vectors, dims, uncalibrated, without_plugin)
    unfit = other_models.unfit(es, model, template_fields(puts))
    if unfit and not new_indices:
        raise InstallError(other_models.refusal(model, unfit))
    others = [one.index for one in unfit]
    _keep_what_is_the_models(es, puts, model)
    # First, so that the new pipelines write nothing into the old indices.
    for request, outcome in other_models.close(es, unfit, dry_run):
        yield InstallStep(request, outcome)
    for put in puts:
        yield put_step(es, put, vectors, overwrite, dry_run)
    for request, outcome in other_models.replace(es, unfit, dry_run):
        yield InstallStep(request, outcome)
    for alias in CREATED:
        yield from _first_index(es, alias, vectors, dry_run)
    for index, alias in other_models.in_use(es).items():
        change = client_side.to_worker if without_plugin else client_side.to_plugin
        for request, outcome in change(es, index, alias, dry_run) if index not in others else ():
            yield InstallStep(request, outcome)
    # In a dry run the others aren't closed.
    ours = [index for index in written_to(es) if index not in others]
    yield from _mapping_steps(es, puts, ours, model, uncalibrated, dry_run)
    yield from _settings_steps(es, ours, dry_run, without_plugin)


def _puts(
    es: Elasticsearch,
    model: str | None,
    vectors: Vectors | None,
    dims: int | None,
    uncalibrated: Thresholds | None,
    without_plugin: bool,
) -> list[PutRequest]:
    if not without_plugin:
        return requests(model, vectors, dims, uncalibrated)
    serverless = client_side.is_serverless(es)
    return client_side.requests_without_plugin(model, vectors, dims, uncalibrated, serverless)


def _mapping_steps(
    es: Elasticsearch,
    puts: list[PutRequest],
    indices: Collection[str],
    model: str,
    uncalibrated: Thresholds,
    dry_run: bool,
) -> Iterator[InstallStep]:
    """Adds to the mapping of each index the fields, the model and the thresholds that it lacks."""
    for index, absent in _absent_fields(es, puts):
        if index not in indices:
            continue
        if not dry_run:
            index_settings.add_fields(es, index, absent)
        yield InstallStep(f"PUT /{index}/_mapping", f"fields added: {_listed(absent)}")
    yield from _stored_only_steps(es, indices)
    pair = thresholds.as_meta(uncalibrated)
    for index in indices:
        (found,) = es.indices.get_mapping(index=index).values()
        recorded = models.recorded(found["mappings"])
        if recorded.get("model") != model:
            facts, outcome = {"model": model, thresholds.THRESHOLDS: pair}, f"model {model} recorded"
        elif not thresholds.are_recorded(recorded):
            facts = {thresholds.THRESHOLDS: pair}
            outcome = f"thresholds recorded, {uncalibrated.words}; not calibrated"
        else:
            continue
        if not dry_run:
            models.record(es, index, **facts)
        yield InstallStep(f"PUT /{index}/_mapping", outcome)


def _stored_only_steps(es: Elasticsearch, indices: Collection[str]) -> Iterator[InstallStep]:
    """Says which indices can't be searched for candidates."""
    for index in indices:
        (found,) = es.indices.get_mapping(index=index).values()
        field = mappings.find(found["mappings"].get("properties", {}), mappings.CANDIDATES)
        if field and mappings.is_stored_only(mappings.CANDIDATES, field):
            yield InstallStep(
                f"candidates of {index}",
                f"[{mappings.CANDIDATES}] stays stored only: Elasticsearch can't change it. Candidates can "
                "be queried in new indices; reindex this one to query its own (docs/indices.md#reindex)",
            )


def _settings_steps(
    es: Elasticsearch, indices: Collection[str], dry_run: bool, without_plugin: bool
) -> Iterator[InstallStep]:
    """Sets in each index the settings that it has no value for.

    Raises:
        InstallError: after the last step: this user may not.
    """
    refused = []
    for index in indices:
        lacking = (client_side if without_plugin else index_settings).lacking(es, index)
        if lacking:
            if not dry_run and not _set(es, index, lacking):
                refused.append(f"  {index_settings.request(index, lacking)}")
                continue
            yield InstallStep(f"PUT /{index}/_settings", f"added: {', '.join(lacking)}")
        if not without_plugin and (stays := index_settings.unchecked(es, index)):
            yield InstallStep(f"PUT /{index}/_settings", stays, kept=True)
    if refused:
        raise InstallError(
            "this user may not change the settings of these indices, so they don't refuse forged faces yet. "
            "Let somebody with the index privilege [manage] send:\n" + "\n".join(refused)
        )


def _set(es: Elasticsearch, index: str, settings: dict[str, str]) -> bool:
    """Whether the user may."""
    try:
        es.indices.put_settings(index=index, settings=settings)
    except AuthorizationException:
        return False
    return True


def install_roles(es: Elasticsearch, overwrite: bool = False, dry_run: bool = False) -> Iterator[InstallStep]:
    """PUTs the roles, and keeps those that somebody changed. Yields after each.

    Args: as `install`.

    Raises:
        InstallError: this Elasticsearch takes no roles, or the user lacks the privilege.
    """
    for request in role_requests():
        try:
            yield put_step(es, request, None, overwrite, dry_run)
        except ApiError as error:
            raise InstallError(_why_no_roles(error)) from None


def put_step(
    es: Elasticsearch, request: PutRequest, vectors: Vectors | None, overwrite: bool, dry_run: bool
) -> InstallStep:
    """PUTs one object, unless somebody changed it; then what the installation itself sets is set in it."""
    outcome = keeping.decide(es, request, vectors, overwrite)
    if not dry_run:
        keeping.put(es, outcome)
    return InstallStep(f"PUT {request.path}", str(outcome), outcome.state == "kept")


def missing(es: Elasticsearch) -> list[str]:
    """The paths of what ``install`` would add; empty when nothing is missing."""
    client = es.options(ignore_status=404)
    absent = []
    without_plugin = client_side.is_chosen(es)
    puts = client_side.installed_requests(es)
    for request in puts:
        if client.perform_request("GET", request.path, headers=keeping.JSON).meta.status != 200:
            absent.append(request.path)
    for alias in ALIASES:
        if not es.indices.exists_alias(name=alias):
            absent.append(f"/{alias}")
            continue
        settings = es.indices.get_settings(index=alias)
        for index, mapping in es.indices.get_mapping(index=alias).items():
            recorded = models.recorded(mapping["mappings"])
            has_pipeline = settings[index]["settings"]["index"].get("default_pipeline") is not None
            if not has_pipeline and client_side.options_in(recorded) is None:
                absent.append(f"/{index}/_settings (index.default_pipeline)")
            if "model" not in recorded:
                absent.append(f"/{index}/_mapping (_meta.{models.OURS}.model)")
            elif not thresholds.are_recorded(recorded):
                absent.append(f"/{index}/_mapping (_meta.{models.OURS}.{thresholds.THRESHOLDS})")
    absent += [f"/{alias}" for alias in (JOURNAL, FORGOTTEN) if not es.indices.exists_alias(name=alias)]
    absent += [f"/{index}/_mapping ({_listed(fields)})" for index, fields in _absent_fields(es, puts)]
    for index in written_to(es):
        if lacking := (client_side if without_plugin else index_settings).lacking(es, index):
            absent.append(f"/{index}/_settings ({', '.join(lacking)})")
    return absent


def has_plugin(es: Elasticsearch) -> bool:
    """Whether every node has the plugin, that is, the processor [face]. A serverless project has none."""
    try:
        nodes = es.nodes.info(metric="ingest")["nodes"].values()
    except ApiError as error:
        if error.status_code == NOT_ON_SERVERLESS:
            return False
        raise
    return all({"type": "face"} in node["ingest"]["processors"] for node in nodes)


def _require_no_index(es: Elasticsearch, alias: str) -> None:
    if es.indices.exists(index=alias) and not es.indices.exists_alias(name=alias):
        raise InstallError(
            f"[{alias}] must be an alias, but an index has that name (was a document indexed before "
            f"`faces install`?): delete the index, or reindex it into [{alias}-000001] and delete it"
        )


def _first_index(
    es: Elasticsearch, alias: str, vectors: Vectors | None, dry_run: bool
) -> Iterator[InstallStep]:
    first = f"{alias}-000001"
    if not es.indices.exists_alias(name=alias):
        body = json.loads((HERE / "indices" / f"{first}.json").read_text())
        if not dry_run:
            es.indices.create(index=first, aliases=body["aliases"])
        yield InstallStep(f"PUT /{first}", "created")
        return
    for index, found in es.indices.get_mapping(index=alias).items():
        kinds = {field["index_options"]["type"] for field in face_vectors(found["mappings"]["properties"])}
        differs = f"; still {', '.join(sorted(kinds))}, new indices will use {vectors}"
        yield InstallStep(f"PUT /{index}", "exists" + (differs if vectors and kinds - {vectors} else ""))


def _absent_fields(es: Elasticsearch, puts: list[PutRequest]) -> Iterator[tuple[str, Mapping]]:
    """Each index that our pipelines write to and that lacks fields of its template, with those fields.

    A field that exists is left alone, even if it differs from the template's.
    """
    wanted = template_fields(puts)
    for index, pipeline in written_to(es).items():
        present = es.indices.get_mapping(index=index)[index]["mappings"].get("properties", {})
        absent, _ = mappings.compare(wanted[pipeline], present)
        if absent:
            yield index, absent


def _keep_what_is_the_models(es: Elasticsearch, puts: list[PutRequest], model: str) -> None:
    """Copies thresholds and calibration of the same model from the installed template into ours."""
    before = models.recorded_in_template(es)
    if before.get("model") != model:
        return
    kept = {fact: before[fact] for fact in models.OF_ITS_MODEL & before.keys()}
    if not thresholds.are_recorded(before):
        kept.pop(thresholds.THRESHOLDS, None)
    for request in puts:
        if "model" in (ours := models.recorded(request.body.get("template", {}).get("mappings", {}))):
            ours |= kept


def _listed(absent: Mapping) -> str:
    return ", ".join(sorted(mappings.names(absent)))


def recorded_dims(es: Elasticsearch, model: str) -> int | None:
    """The dimensions in the installed templates, if those are for ``model``."""
    if models.recorded_in_template(es).get("model") != model:
        return None
    found = es.options(ignore_status=404).cluster.get_component_template(name="faces-nested")
    for template in found.get("component_templates", []):
        mapping = template["component_template"]["template"].get("mappings", {})
        return dims_of(mapping.get("properties", {}))
    return None


def _why_no_roles(error: ApiError) -> str:
    if error.status_code == 403:
        return "roles need the cluster privilege [manage_security], which this user lacks"
    return (
        f"this Elasticsearch takes no roles (status {error.status_code}): enable security with native roles, "
        "or copy the roles into each node's `config/roles.yml`"
    )
