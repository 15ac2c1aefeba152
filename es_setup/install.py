"""PUTs the JSON files of this folder into Elasticsearch, and says what is missing there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, AuthorizationException, Elasticsearch

from es_setup import index_settings, keeping, mappings, models
from es_setup.mappings import Mapping, face_vectors
from es_setup.shipped_files import (
    ALIASES,
    HERE,
    PutRequest,
    Vectors,
    requests,
    role_requests,
    shipped_model,
    template_fields,
)
from ingest_service.errors import UserError


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
) -> Iterator[InstallStep]:
    """PUTs pipelines and templates, creates the first index of each alias that has none, and adds to existing
    indices the fields and settings that they lack. What somebody changed in a pipeline or template is kept.

    Yields after each step; a second run changes nothing.

    Args:
        model, dims: as in `requests`.
        vectors: as there; default: as they are, at first as each file says.
        overwrite: replaces what somebody changed.
        dry_run: changes nothing, and yields what would be done.

    Raises:
        InstallError: a node lacks the plugin, an index has an alias's name, or an index that the pipelines
            write to has another model or other dimensions. Then nothing was changed. Or, after all steps,
            because the user may not change the settings of an index.
    """
    if not has_plugin(es):
        raise InstallError(
            "Elasticsearch lacks the plugin [ingest-face]: install it on every node with "
            "`bin/elasticsearch-plugin install file:///path/to/ingest-face.zip` and restart them"
        )
    for alias in ALIASES:
        _require_no_index(es, alias)
    model = model or shipped_model()
    puts = requests(model, vectors, dims)
    unrecorded = _check_models(es, model, template_fields(puts))
    _keep_calibration(es, puts, model)
    for request in puts:
        yield put_step(es, request, vectors, overwrite, dry_run)
    for alias in ALIASES:
        yield from _first_index(es, alias, vectors, dry_run)
    for index, absent in _absent_fields(es, puts):
        if not dry_run:
            index_settings.add_fields(es, index, absent)
        yield InstallStep(f"PUT /{index}/_mapping", f"fields added: {_listed(absent)}")
    for index in unrecorded:
        if not dry_run:
            models.record(es, index, model=model)
        yield InstallStep(f"PUT /{index}/_mapping", f"model {model} recorded")
    yield from _settings_steps(es, dry_run)


def _settings_steps(es: Elasticsearch, dry_run: bool) -> Iterator[InstallStep]:
    """Sets in each index that our pipelines write to the settings that it has no value for.

    Raises:
        InstallError: after the last step: this user may not.
    """
    refused = []
    for index in _written_to(es):
        lacking = index_settings.lacking(es, index)
        if lacking:
            if not dry_run and not _set(es, index, lacking):
                refused.append(f"  {index_settings.request(index, lacking)}")
                continue
            yield InstallStep(f"PUT /{index}/_settings", f"added: {', '.join(lacking)}")
        if stays := index_settings.unchecked(es, index):
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
    puts = requests()
    for request in puts:
        if client.perform_request("GET", request.path, headers=keeping.JSON).meta.status != 200:
            absent.append(request.path)
    for alias in ALIASES:
        if not es.indices.exists_alias(name=alias):
            absent.append(f"/{alias}")
            continue
        for index, found in es.indices.get_settings(index=alias).items():
            if found["settings"]["index"].get("default_pipeline") is None:
                absent.append(f"/{index}/_settings (index.default_pipeline)")
        for index, model in models.declared(es, alias).items():
            if model is None:
                absent.append(f"/{index}/_mapping (_meta.{models.OURS}.model)")
    absent += [f"/{index}/_mapping ({_listed(fields)})" for index, fields in _absent_fields(es, puts)]
    for index in _written_to(es):
        if lacking := index_settings.lacking(es, index):
            absent.append(f"/{index}/_settings ({', '.join(lacking)})")
    return absent


def has_plugin(es: Elasticsearch) -> bool:
    """Whether every node has the plugin, that is, the processor [face]."""
    nodes = es.nodes.info(metric="ingest")["nodes"].values()
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
        yield InstallStep(f"PUT /{index}", "exists" + (differs if vectors and kinds != {vectors} else ""))


def _absent_fields(es: Elasticsearch, puts: list[PutRequest]) -> Iterator[tuple[str, Mapping]]:
    """Each index that our pipelines write to and that lacks fields of its template, with those fields.

    A field that exists is left alone, even if it differs from the template's.
    """
    wanted = template_fields(puts)
    for index, pipeline in _written_to(es).items():
        present = es.indices.get_mapping(index=index)[index]["mappings"].get("properties", {})
        absent, _ = mappings.compare(wanted[pipeline], present)
        if absent:
            yield index, absent


def _keep_calibration(es: Elasticsearch, puts: list[PutRequest], model: str) -> None:
    """Copies a calibration of the same model from the installed template into the one to be PUT."""
    before = models.recorded_in_template(es)
    if before.get("model") != model or "calibration" not in before:
        return
    for request in puts:
        if ours := models.recorded(request.body.get("template", {}).get("mappings", {})):
            ours["calibration"] = before["calibration"]


def _listed(absent: Mapping) -> str:
    return ", ".join(sorted(mappings.names(absent)))


def _check_models(es: Elasticsearch, model: str, wanted: dict[str, Mapping]) -> list[str]:
    """The indices that our pipelines write to and whose ``_meta`` has yet to name ``model``.

    Args:
        wanted: index template -> its properties.

    Raises:
        InstallError: one holds vectors of another model, or is mapped for other dimensions.
    """
    unrecorded, others = [], []
    for index, pipeline in _written_to(es).items():
        held = models.held(es, index)
        dims = _dims(es.indices.get_mapping(index=index)[index]["mappings"].get("properties", {}))
        if any(found != model for found in held):
            others.append(f"[{index}] holds vectors of {held}\n{_another_index(es, index)}")
        elif dims and dims != _dims(wanted[pipeline]):
            others.append(
                f"[{index}] is for vectors of {dims} dimensions, those of [{model}] have "
                f"{_dims(wanted[pipeline])}\n{_another_index(es, index)}"
            )
        elif models.declared(es, index)[index] != model:
            unrecorded.append(index)
    if others:
        raise InstallError(
            f"these indices can't take vectors of [{model}], as vectors of two models can't be compared; "
            "nothing was changed:\n"
            + "\n".join(others)
            + "\nInstall with --model and the id of their model; or, for the new model, send the requests "
            "above, run `faces install` again, and index the photos again"
        )
    return unrecorded


def _dims(properties: Mapping) -> int | None:
    """The dimensions of a mapping's face vectors; None without such a field."""
    return next((int(field["dims"]) for field in face_vectors(properties) if "dims" in field), None)


def recorded_dims(es: Elasticsearch, model: str) -> int | None:
    """The dimensions in the installed templates, if those are for ``model``."""
    if models.recorded_in_template(es).get("model") != model:
        return None
    found = es.options(ignore_status=404).cluster.get_component_template(name="faces-nested")
    for template in found.get("component_templates", []):
        mapping = template["component_template"]["template"].get("mappings", {})
        return _dims(mapping.get("properties", {}))
    return None


def _written_to(es: Elasticsearch) -> dict[str, str]:
    """Index -> the pipeline of ours that its documents pass; without indices that are blocked for writing."""
    wanted = ["index.default_pipeline", "index.blocks.write", "index.blocks.read_only"]
    settings = es.indices.get_settings(index="*", name=wanted, allow_no_indices=True, flat_settings=True)
    return {
        index: found["settings"]["index.default_pipeline"]
        for index, found in sorted(settings.items())
        if found["settings"].get("index.default_pipeline") in ALIASES
        and "true" not in (found["settings"].get(block) for block in wanted[1:])
    }


def _another_index(es: Elasticsearch, index: str) -> str:
    """The requests that block ``index`` for writing and take it out of our aliases. Where it is an alias's
    write index, a new one takes its place; after a rollover an alias has read-only indices too."""
    requests = [f"  PUT {index}/_block/write"]
    aliases = es.indices.get_alias(index=index)[index]["aliases"]
    for alias in (name for name in ALIASES if name in aliases):
        moves: list[dict[str, Any]] = [{"remove": {"index": index, "alias": alias}}]
        if aliases[alias].get("is_write_index", True):
            number = re.search(r"\d+$", index)
            following = f"{alias}-{int(number[0]) + 1 if number else 2:06d}"
            moves.append({"add": {"index": following, "alias": alias, "is_write_index": True}})
            requests.append(f"  PUT {following}")
        requests.append(f"  POST _aliases\n  {json.dumps({'actions': moves})}")
    return "\n".join(requests)


def _why_no_roles(error: ApiError) -> str:
    if error.status_code == 403:
        return "roles need the cluster privilege [manage_security], which this user lacks"
    return (
        f"this Elasticsearch takes no roles (status {error.status_code}): enable security with native roles, "
        "or copy the roles into each node's `config/roles.yml`"
    )
