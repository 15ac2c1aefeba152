"""The commands `faces install`, `faces attach` and `faces status`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.attach import Attachment, attach
from es_setup.connection import Connection, ConnectionFailed, without_password
from es_setup.install import has_plugin, install, install_roles, missing, recorded_dims
from es_setup.models import MixedModels, model_of
from es_setup.shipped_files import ALIASES, SHIPPED_DIMS, Vectors, shipped_model
from faces.calibration.indices import calibrations
from faces.cli.options import JsonFlag, connected
from faces.cli.output import explain, explained, out, print_json, say


@connected
def install_command(
    connection: Connection,
    model: Annotated[
        str | None,
        typer.Option(help="model id for the pipelines; default: the service's, if it answers"),
    ] = None,
    vectors: Annotated[
        Vectors | None,
        typer.Option(help="how new indices store vectors; default: int8_hnsw; flat for the gallery"),
    ] = None,
    roles: Annotated[bool, typer.Option("--roles", help="also PUT the roles")] = False,
) -> None:
    """PUT pipelines and templates, and create the first index of `faces`, `face-gallery`, `face-probes`."""
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        for request, outcome in install(es, pinned, vectors, dims):
            out.print(f"{request}: {outcome}", markup=False)
        for request, outcome in install_roles(es) if roles else ():
            out.print(f"{request}: {outcome}", markup=False)


@connected
def attach_command(
    connection: Connection,
    index: Annotated[str, typer.Argument(help="an existing index of your own")],
    field: Annotated[str, typer.Option(help="the field with the photo in base64")],
    target_field: Annotated[
        str | None,
        typer.Option(help="object that receives all fields; default: the top of the document"),
    ] = None,
    remove_binary: Annotated[
        bool, typer.Option("--remove-binary", help="remove the photo once its faces are stored")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="model id for the pipeline; default: the service's, if it answers"),
    ] = None,
    vectors: Annotated[
        Vectors | None, typer.Option(help="how vectors are stored; default: int8_hnsw")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace another default pipeline of the index")
    ] = False,
) -> None:
    """Add face search to an index of your own: PUT the mapping, and `faces-INDEX` as its default pipeline."""
    attachment = Attachment(index, field, target_field, remove_binary)
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        for request, outcome in attach(es, attachment, pinned, vectors, overwrite, dims):
            out.print(f"{request}: {outcome}", markup=False)


def _model(connection: Connection, es: Elasticsearch, named: str | None) -> tuple[str | None, int | None]:
    """The model id to pin, and its dimensions: the service's model, unless another is ``named``.

    None stands for what our files say.
    """
    try:
        served = connection.service().model()
    except ConnectionFailed as error:
        if named is None:
            say(f"note: {error}; using the model of our files, [{shipped_model()}]")
            return None, None
    else:
        if named in (None, served.id):
            return served.id, served.dims
    dims = recorded_dims(es, named)
    if dims is None:
        say(f"note: assuming {SHIPPED_DIMS} dimensions for [{named}], as no service that serves it answers")
    return named, dims


@connected
def status(
    connection: Connection,
    as_json: JsonFlag = False,
) -> None:
    """Report what runs, what is installed and what is indexed. Exit status 1 if something is missing."""
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
    """Reports an error of the service if its model isn't the indices': these then refuse all photos."""
    others = {
        alias: model
        for alias, model in elasticsearch.get("models", {}).items()
        if model and service.get("model") not in (None, model)
    }
    if others:
        held = ", ".join(f"[{alias}] has [{model}]" for alias, model in others.items())
        service["ok"] = False
        service["error"] = (
            f"it serves model [{service['model']}], but {held}: start it with the profile of that model, or "
            "run `faces install` for the served model"
        )


def _service_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": without_password(connection.faces_url)}
    try:
        facts["model"] = connection.service().model().id
        facts["ok"] = True
    except ConnectionFailed as error:
        facts["error"] = str(error)
    return facts
