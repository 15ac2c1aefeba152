"""Commands about what is in the cluster: install, attach, status."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.attach import Attachment
from es_setup.attach import attach as attach_index
from es_setup.connection import Connection, ConnectionFailed, without_password
from es_setup.install import has_plugin, install_roles, missing, recorded_dims
from es_setup.install import install as put_all
from es_setup.models import MixedModels, model_of
from es_setup.shipped_files import ALIASES, SHIPPED_DIMS, Vectors, shipped_model
from faces.calibration.indices import calibrations
from faces.cli.options import JsonFlag, connected
from faces.cli.output import explain, explained, out, print_json, say


@connected
def install(
    connection: Connection,
    model: Annotated[
        str | None,
        typer.Option(help="pin the pipelines to this model id; default: the service's, if it answers"),
    ] = None,
    vectors: Annotated[
        Vectors | None,
        typer.Option(help="how new indices keep vectors; default: int8_hnsw, the gallery flat"),
    ] = None,
    roles: Annotated[bool, typer.Option("--roles", help="PUT the roles as well")] = False,
) -> None:
    """PUT pipelines and templates, and create the first index of `faces`, `face-gallery`, `face-probes`."""
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        for what, outcome in put_all(es, pinned, vectors, dims):
            out.print(f"{what}: {outcome}", markup=False)
        for what, outcome in install_roles(es) if roles else ():
            out.print(f"{what}: {outcome}", markup=False)


@connected
def attach(
    connection: Connection,
    index: Annotated[str, typer.Argument(help="an index of your own, which is there")],
    field: Annotated[str, typer.Option(help="the field with the photo, in base64")],
    target_field: Annotated[
        str | None, typer.Option(help="put everything below this object; default: the top of the document")
    ] = None,
    remove_binary: Annotated[
        bool, typer.Option("--remove-binary", help="remove the photo once its faces are there")
    ] = False,
    model: Annotated[str | None, typer.Option(help="pin to this model id; default: the service's")] = None,
    vectors: Annotated[Vectors | None, typer.Option(help="how vectors are kept; default: int8_hnsw")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace another default pipeline of the index")
    ] = False,
) -> None:
    """Find the faces of photos in an index of your own: pipeline `faces-INDEX`, mapping, default pipeline."""
    attachment = Attachment(index, field, target_field, remove_binary)
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        for what, outcome in attach_index(es, attachment, pinned, vectors, overwrite, dims):
            out.print(f"{what}: {outcome}", markup=False)


def _model(connection: Connection, es: Elasticsearch, named: str | None) -> tuple[str | None, int | None]:
    """The model to pin to, and its dimensions: the service's, unless another is named.

    What the service can't be asked for is None, which leaves what stands in our files.
    """
    try:
        served = connection.service().model()
    except ConnectionFailed as error:
        if named is None:
            say(f"note: {error}; using the model in our files, {shipped_model()}")
            return None, None
    else:
        if named in (None, served.id):
            return served.id, served.dims
    dims = recorded_dims(es, named)
    if dims is None:
        say(f"note: using {SHIPPED_DIMS} dimensions for [{named}]: the service that serves it would know")
    return named, dims


@connected
def status(
    connection: Connection,
    as_json: JsonFlag = False,
) -> None:
    """Say what runs, what is installed and what is indexed. Exit status 1 if something is missing."""
    report = {"elasticsearch": _es_status(connection), "service": _service_status(connection)}
    _check_models(**report)
    if as_json:
        print_json(report)
    else:
        for name, facts in report.items():
            out.print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()), markup=False)
    raise typer.Exit(0 if all(facts["ok"] for facts in report.values()) else 1)


def _es_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": without_password(connection.es_url)}
    try:
        es = connection.elasticsearch().options(request_timeout=10)
        nodes = es.nodes.info(metric="os")["nodes"].values()
        facts["versions"] = sorted({node["version"] for node in nodes})
        facts["plugin"] = has_plugin(es)
        facts["missing"] = missing(es)
        if not facts["missing"]:
            facts["models"] = {alias: model_of(es, alias) for alias in ALIASES}
            facts["calibrated"] = {index: made is not None for index, made in calibrations(es).items()}
            facts["photos"] = es.count(index="faces")["count"]
            facts["failed"] = es.count(index="faces", query={"exists": {"field": "error.code"}})["count"]
        facts["ok"] = facts["plugin"] and not facts["missing"]
    except (ApiError, TransportError, ConnectionFailed, MixedModels) as error:
        facts["error"] = explain(error, facts["url"])
    return facts


def _check_models(elasticsearch: dict[str, Any], service: dict[str, Any]) -> None:
    """Says of the service when its model isn't the one of the indices: then all photos are refused."""
    others = {
        alias: model
        for alias, model in elasticsearch.get("models", {}).items()
        if model and service.get("model") not in (None, model)
    }
    if others:
        held = ", ".join(f"[{alias}] is of [{model}]" for alias, model in others.items())
        service["ok"] = False
        service["error"] = (
            f"it serves [{service['model']}], and {held}: start it with the profile of that model, or run "
            "`faces install` for the one that is served"
        )


def _service_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": without_password(connection.faces_url)}
    try:
        facts["model"] = connection.service().model().id
        facts["ok"] = True
    except ConnectionFailed as error:
        facts["error"] = str(error)
    return facts
