"""The commands `faces install` and `faces attach`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.attach import Attachment, attach
from es_setup.connection import (
    Connection,
    ConnectionFailed,
    ServedModel,
    Service,
    ServiceRefused,
    without_password,
)
from es_setup.install import InstallStep, install, install_roles, recorded_dims
from es_setup.other_models import profile_of
from es_setup.shipped_files import SHIPPED_DIMS, Vectors, shipped_model
from faces.calibration.indices import listed
from faces.cli.options import DryRun, connected
from faces.cli.output import explained, fail, out, refuse_both, say
from ingest_service.verdicts import of_model

ProfileOption = Annotated[
    str | None,
    typer.Option(help="the service's profile, as in FACES_PROFILE; an error if it serves another"),
]


@connected
def install_command(
    connection: Connection,
    model: Annotated[
        str | None,
        typer.Option(help="model id for the pipelines; default: the service's, if it answers"),
    ] = None,
    profile: ProfileOption = None,
    vectors: Annotated[
        Vectors | None,
        typer.Option(help="how new indices store vectors; default: int8_hnsw; flat for the gallery"),
    ] = None,
    without_plugin: Annotated[
        bool,
        typer.Option(
            "--without-plugin",
            help="for a cluster whose nodes lack the plugin: no pipelines; `faces worker` finds the faces",
        ),
    ] = False,
    roles: Annotated[bool, typer.Option("--roles", help="also PUT the roles")] = False,
    new_indices: Annotated[
        bool,
        typer.Option(
            "--new-indices",
            help="close indices of another model to writing, and put new ones in their place; their photos "
            "must be sent again",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace what somebody changed, and lose the changes")
    ] = False,
    keep_edited: Annotated[
        bool, typer.Option("--keep-edited", help="keep what somebody changed, and don't fail because of it")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """PUT pipelines and templates, and create the first index of `faces`, `face-gallery`, `face-probes`,
    `face-decisions` and `face-forgotten`. Can be repeated: what somebody changed in them is kept. Exit status
    1 if any of them isn't as shipped. Needs the plugin on every node, or --without-plugin.
    """
    refuse_both(overwrite, keep_edited)
    with explained():
        es = connection.elasticsearch()
        wanted = _model(connection, es, model, profile)
        steps = install(
            es,
            wanted.id,
            vectors,
            wanted.dims,
            overwrite,
            dry_run,
            new_indices,
            wanted.thresholds,
            without_plugin,
        )
        kept = _print_steps(steps)
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
    path_field: Annotated[
        str | None,
        typer.Option(help="the field in which a crawler says where the photo is: copied into file.path"),
    ] = None,
    keep_unavailable: Annotated[
        bool,
        typer.Option(
            "--keep-unavailable",
            help="while the service is away, store photos for `faces retry`; else they are refused with 429",
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="model id for the pipeline; default: the service's, if it answers"),
    ] = None,
    profile: ProfileOption = None,
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
    Can be repeated: what somebody changed in that pipeline is kept. Exit status 1 then. Needs the plugin on
    every node, or an installation without it.
    """
    refuse_both(overwrite, keep_edited)
    if path_field and target_field:
        fail("--path-field doesn't go with --target-field, where [file] is a field of your own", status=2)
    attachment = Attachment(index, field, target_field, remove_binary, path_field, keep_unavailable)
    with explained():
        es = connection.elasticsearch()
        wanted = _model(connection, es, model, profile)
        steps = attach(es, attachment, wanted.id, vectors, overwrite, wanted.dims, dry_run, wanted.thresholds)
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


def _model(connection: Connection, es: Elasticsearch, named: str | None, profile: str | None) -> ServedModel:
    """The model to pin: the service's, unless another is ``named``.

    Raises:
        ConnectionFailed: the service doesn't serve the wanted ``profile``, or doesn't answer.
    """
    if profile is not None:
        if named is not None:
            fail("give either --profile or --model", status=2)
        return of_profile(connection.service(), profile)
    try:
        served = connection.service().model()
    except ConnectionFailed as error:
        if named is None:
            named = shipped_model()
            say(f"note: {error}; using the model of our files, [{named}]")
            return ServedModel(named, SHIPPED_DIMS, of_model(named))
    else:
        if named in (None, served.id):
            return served
    dims = recorded_dims(es, named)
    if dims is None:
        say(f"note: assuming {SHIPPED_DIMS} dimensions for [{named}], as no service that serves it answers")
    return ServedModel(named, dims or SHIPPED_DIMS, of_model(named))


def of_profile(service: Service, profile: str) -> ServedModel:
    """The served model, whose id depends on the service's weights and settings.

    Raises:
        ConnectionFailed: it is of another profile, or the service doesn't answer.
    """
    served = service.model()
    if profile_of(served.id) == profile:
        return served
    url = without_password(service.url)
    try:
        offered = service.profiles()
    except ServiceRefused:  # without its key
        offered = [profile]
    if profile not in offered:
        raise ConnectionFailed(f"no profile [{profile}]: the service at {url} offers {listed(offered)}")
    raise ConnectionFailed(
        f"the service at {url} serves the model [{served.id}], not one of the profile [{profile}]: start it "
        f"with FACES_PROFILE={profile}, then run this again"
    )
