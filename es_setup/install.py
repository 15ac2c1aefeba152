"""Puts the JSON files of this folder into Elasticsearch: what a person would PUT by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup import mappings, models
from es_setup.mappings import Mapping, face_vectors
from es_setup.shipped_files import (
    ALIASES,
    HERE,
    Request,
    Vectors,
    requests,
    role_requests,
    shipped_model,
    template_fields,
)
from ingest_service.errors import UserError


class InstallError(UserError):
    """The cluster isn't ready for the templates; the message says what to do."""


def install(
    es: Elasticsearch, model: str | None = None, vectors: Vectors | None = None, dims: int | None = None
) -> Iterator[tuple[str, str]]:
    """PUTs everything, creates the first index of each alias if there is none yet, and gives those that are
    there the fields that they lack.

    Yields (what, outcome) as it goes; a second run changes nothing.

    Args: as `requests`.

    Raises:
        InstallError: a node lacks the plugin, an index has an alias's name, or an index that the pipelines
            write to is of another model, or for vectors of other dimensions. Then nothing was changed.
    """
    if not has_plugin(es):
        raise InstallError(
            "Elasticsearch lacks the plugin [ingest-face]: install it on every node with "
            "`bin/elasticsearch-plugin install file:///path/to/ingest-face.zip` and restart them"
        )
    for alias in ALIASES:
        _require_no_index(es, alias)
    model = model or shipped_model()
    ours = requests(model, vectors, dims)
    unrecorded = _check_models(es, model, template_fields(ours))
    _keep_calibration(es, ours, model)
    for request in ours:
        es.perform_request("PUT", request.path, headers=_JSON, body=request.body)
        yield f"PUT {request.path}", "ok"
    for alias in ALIASES:
        yield from _first_index(es, alias, vectors)
    for index, absent in _absent_fields(es, ours):
        es.indices.put_mapping(index=index, properties=absent)
        yield f"PUT /{index}/_mapping", f"fields added: {_listed(absent)}"
    for index in unrecorded:
        models.record(es, index, model=model)
        yield f"PUT /{index}/_mapping", f"model {model} recorded"


def install_roles(es: Elasticsearch) -> Iterator[tuple[str, str]]:
    """PUTs the roles. Yields (what, outcome) as it goes.

    Raises:
        InstallError: this Elasticsearch keeps no roles of its own, or we may not change them.
    """
    for request in role_requests():
        try:
            es.perform_request("PUT", request.path, headers=_JSON, body=request.body)
        except ApiError as error:
            raise InstallError(_why_no_roles(error)) from None
        yield f"PUT {request.path}", "ok"


def missing(es: Elasticsearch) -> list[str]:
    """What ``install`` would put that isn't there, as paths; none when all is well."""
    asking = es.options(ignore_status=404)
    absent = []
    ours = requests()
    for request in ours:
        if asking.perform_request("GET", request.path, headers=_JSON).meta.status != 200:
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
    absent += [f"/{index}/_mapping ({_listed(fields)})" for index, fields in _absent_fields(es, ours)]
    return absent


def has_plugin(es: Elasticsearch) -> bool:
    """Whether every node has the plugin, that is its processor."""
    nodes = es.nodes.info(metric="ingest")["nodes"].values()
    return all({"type": "face"} in node["ingest"]["processors"] for node in nodes)


def _require_no_index(es: Elasticsearch, alias: str) -> None:
    if es.indices.exists(index=alias) and not es.indices.exists_alias(name=alias):
        raise InstallError(
            f"an index has the name [{alias}], which must be an alias (was a document indexed before "
            f"`faces install`?): delete it, or reindex it into [{alias}-000001] and delete it"
        )


def _first_index(es: Elasticsearch, alias: str, vectors: Vectors | None) -> Iterator[tuple[str, str]]:
    first = f"{alias}-000001"
    if not es.indices.exists_alias(name=alias):
        body = json.loads((HERE / "indices" / f"{first}.json").read_text())
        es.indices.create(index=first, aliases=body["aliases"])
        yield f"PUT /{first}", "created"
        return
    for index, found in es.indices.get_mapping(index=alias).items():
        kinds = {field["index_options"]["type"] for field in face_vectors(found["mappings"]["properties"])}
        kept = f"; keeps its vectors {', '.join(sorted(kinds))}, the next index has {vectors}"
        yield f"PUT /{index}", "exists" + (kept if vectors and kinds != {vectors} else "")


def _absent_fields(es: Elasticsearch, ours: list[Request]) -> Iterator[tuple[str, Mapping]]:
    """Each index that our pipelines write to and that was made before its template had all of these fields.

    Fields that are there are left alone, also where they differ from the template's.
    """
    wanted = template_fields(ours)
    for index, pipeline in _written_to(es).items():
        present = es.indices.get_mapping(index=index)[index]["mappings"].get("properties", {})
        absent, _ = mappings.compare(wanted[pipeline], present)
        if absent:
            yield index, absent


def _keep_calibration(es: Elasticsearch, ours: list[Request], model: str) -> None:
    """Gives the template what `faces calibrate` stored in it, if that is of the same model."""
    before = models.recorded_in_template(es)
    if before.get("model") != model or "calibration" not in before:
        return
    for request in ours:
        if mine := models.recorded(request.body.get("template", {}).get("mappings", {})):
            mine["calibration"] = before["calibration"]


def _listed(absent: Mapping) -> str:
    return ", ".join(sorted(mappings.names(absent)))


def _check_models(es: Elasticsearch, model: str, wanted: dict[str, Mapping]) -> list[str]:
    """The indices that our pipelines write to and that are of ``model`` but have it not on record.

    Args:
        wanted: index template -> its properties.

    Raises:
        InstallError: one holds vectors of another model, or is for vectors of other dimensions.
    """
    unrecorded, others = [], []
    for index, pipeline in _written_to(es).items():
        held = models.held(es, index)
        dims = _dims(es.indices.get_mapping(index=index)[index]["mappings"].get("properties", {}))
        if any(found != model for found in held):
            others.append(f"[{index}] holds vectors of {held}\n{_another_index(es, index)}")
        elif dims and dims != _dims(wanted[pipeline]):
            others.append(
                f"[{index}] is for vectors of {dims} dimensions, and those of [{model}] have "
                f"{_dims(wanted[pipeline])}\n{_another_index(es, index)}"
            )
        elif models.declared(es, index)[index] != model:
            unrecorded.append(index)
    if others:
        raise InstallError(
            f"vectors of two models can't be compared, and these are not of [{model}]; nothing was changed:\n"
            + "\n".join(others)
            + "\nInstall with --model and the name of theirs; or, for the new model, run the requests above, "
            "`faces install` again, and send the photos again"
        )
    return unrecorded


def _dims(properties: Mapping) -> int | None:
    """Of the vectors of faces that a mapping has room for; None without such a field."""
    return next((int(field["dims"]) for field in face_vectors(properties) if "dims" in field), None)


def recorded_dims(es: Elasticsearch, model: str) -> int | None:
    """The dimensions in the installed templates, if these are of ``model``."""
    if models.recorded_in_template(es).get("model") != model:
        return None
    found = es.options(ignore_status=404).cluster.get_component_template(name="faces-nested")
    for template in found.get("component_templates", []):
        mapping = template["component_template"]["template"].get("mappings", {})
        return _dims(mapping.get("properties", {}))
    return None


def _written_to(es: Elasticsearch) -> dict[str, str]:
    """The indices whose documents pass our pipelines, with that pipeline, but for those that are closed to
    writing."""
    wanted = ["index.default_pipeline", "index.blocks.write", "index.blocks.read_only"]
    settings = es.indices.get_settings(index="*", name=wanted, allow_no_indices=True, flat_settings=True)
    return {
        index: found["settings"]["index.default_pipeline"]
        for index, found in sorted(settings.items())
        if found["settings"].get("index.default_pipeline") in ALIASES
        and "true" not in (found["settings"].get(block) for block in wanted[1:])
    }


def _another_index(es: Elasticsearch, index: str) -> str:
    """The requests that keep ``index`` as it is, with an empty one in its place if it is the one that an
    alias writes to; after a rollover an alias leads to others besides."""
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
        return "roles need the cluster privilege [manage_security], which whoever runs this lacks"
    return (
        f"this Elasticsearch takes no roles (status {error.status_code}): is security enabled, with native "
        "roles? Else put them into each node's `config/roles.yml`"
    )


_JSON = {"accept": "application/json", "content-type": "application/json"}
