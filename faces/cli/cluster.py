"""The commands `faces install`, `faces attach` and `faces status`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.attach import Attachment, attach
from es_setup.connection import Connection, ConnectionFailed, without_password
from es_setup.install import InstallStep, has_plugin, install, install_roles, missing, recorded_dims
from es_setup.models import MixedModels, model_of
from es_setup.request_logs import logged_requests
from es_setup.shipped_files import ALIASES, SHIPPED_DIMS, Vectors, shipped_model
from faces.calibration.indices import calibrations
from faces.cli.options import JsonFlag, connected
from faces.cli.output import explain, explained, fail, out, print_json, refuse_both, say

DryRun = Annotated[bool, typer.Option("--dry-run", help="change nothing, and print what would be done")]


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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace what somebody changed, and lose the changes")
    ] = False,
    keep_edited: Annotated[
        bool, typer.Option("--keep-edited", help="keep what somebody changed, and don't fail because of it")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """PUT pipelines and templates, and create the first index of `faces`, `face-gallery`, `face-probes`. Can
    be repeated: what somebody changed in them is kept. Exit status 1 if any of them isn't as shipped.
    """
    refuse_both(overwrite, keep_edited)
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        kept = _print_steps(install(es, pinned, vectors, dims, overwrite, dry_run))
        if roles:
            kept += _print_steps(install_roles(es, overwrite, dry_run))
    _finish("faces install", kept, keep_edited, dry_run)


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
        bool,
        typer.Option(
            "--overwrite", help="replace another default pipeline of the index, and changes to `faces-INDEX`"
        ),
    ] = False,
    keep_edited: Annotated[
        bool,
        typer.Option("--keep-edited", help="keep changes to `faces-INDEX`, and don't fail over them"),
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Add face search to an index of your own: PUT the mapping, and `faces-INDEX` as its default pipeline.
    Can be repeated: what somebody changed in that pipeline is kept. Exit status 1 then.
    """
    refuse_both(overwrite, keep_edited)
    attachment = Attachment(index, field, target_field, remove_binary)
    with explained():
        es = connection.elasticsearch()
        pinned, dims = _model(connection, es, model)
        steps = attach(es, attachment, pinned, vectors, overwrite, dims, dry_run)
        kept = _print_steps(steps)
    _finish("faces attach", kept, keep_edited, dry_run)


def _print_steps(steps: Iterable[InstallStep]) -> int:
    """Prints each step; returns how many objects were kept as somebody changed them."""
    kept = 0
    for step in steps:
        out.print(f"{step.request}: {step.outcome}")
        kept += step.kept
    return kept


def _finish(command: str, kept: int, keep_edited: bool, dry_run: bool) -> None:
    """Ends the command with status 1 if something was kept, unless that was wanted."""
    if dry_run:
        say("dry run: nothing was changed")
    if kept and not keep_edited:
        fail(
            f"{kept} of these are not as shipped: they were changed, or are from an older release. `{command}"
            " --overwrite` replaces them; changes made to them are lost. --keep-edited accepts them"
        )


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
            out.print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
        if logged := report["elasticsearch"].get("logged"):
            say(
                f"warning: Elasticsearch's logs can hold vectors and photos, by {'; '.join(logged)}: switch "
                "it off, or keep the logs as safe as the indices, see docs/operations.md"
            )
    raise typer.Exit(0 if all(facts["ok"] for facts in report.values()) else 1)


def _es_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": without_password(connection.es_url)}
    try:
        es = connection.elasticsearch().options(request_timeout=10)
        nodes = es.nodes.info(metric="os")["nodes"].values()
        facts["versions"] = sorted({node["version"] for node in nodes})
        facts["plugin"] = has_plugin(es)
        facts["missing"] = missing(es)
        facts["logged"] = logged_requests(es)
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
