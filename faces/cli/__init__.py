"""The command ``faces``: options and output. The work is done by the modules of the parent folder.

Exit statuses: 0 success; 1 something failed or is missing; 2 wrong usage; 130 ended by a signal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from faces.cli import (
    add_face,
    calibrate,
    cluster,
    dashboards,
    desk,
    discard,
    doctor,
    duplicates,
    enroll,
    evaluate,
    explore,
    export,
    forget,
    gallery,
    group,
    identify,
    index,
    label,
    lists,
    output,
    people_verbs,
    reembed,
    retry,
    review,
    search,
    servers,
    status,
    undo,
    verify,
    versions,
    worker,
)
from faces.cli.verbosity import Quiet, Verbose, set_verbosity, show_warnings, with_verbosity
from faces.shown.terminal import PLAIN
from ingest_service import __version__

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None if PLAIN else "rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "install": cluster.install_command,
    "attach": cluster.attach_command,
    "index": index.index_command,
    "retry": retry.retry,
    "discard": discard.discard_command,
    "worker": worker.worker_command,
    "search": search.search_command,
    "enroll": enroll.enroll,
    "identify": identify.identify,
    "verify": verify.verify_command,
    "versions": versions.versions_command,
    "duplicates": duplicates.duplicates_command,
    "export": export.export,
    "label": label.label_command,
    "unlabel": label.unlabel,
    "not-this-person": label.not_this_person,
    "ignore": label.ignore,
    "unignore": label.unignore,
    "rename": people_verbs.rename_command,
    "merge": people_verbs.merge,
    "undo": undo.undo_command,
    "decisions": undo.decisions_command,
    "forget": forget.forget_command,
    "add-face": add_face.add_face_command,
    "reembed": reembed.reembed,
    "explore": explore.explore_command,
    "calibrate": calibrate.calibrate,
    "evaluate": evaluate.evaluate,
    "review": review.review,
    "status": status.status,
    "doctor": doctor.doctor,
    "desk": desk.desk,
    "up": servers.up,
    "demo": servers.demo,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(with_verbosity(_command))
app.add_typer(gallery.app, name="gallery")
app.add_typer(group.app, name="group")
app.add_typer(lists.app, name="list")
app.add_typer(dashboards.app, name="dashboards")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"faces {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Index photos in Elasticsearch and find them by face."""
    output.notes.quiet = False
    set_verbosity(verbose, quiet)
    show_warnings()
