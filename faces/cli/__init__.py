"""The command ``faces``. What it prints is here; what it does is in the modules beside this folder.

Exit statuses: 0 all is well; 1 something failed or isn't there; 2 the command was called wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from faces.cli import calibrate, cluster, dashboards, evaluate, explore, photos, servers
from faces.cli.verbosity import Quiet, Verbose, set_verbosity, with_verbosity
from ingest_service import __version__

app = typer.Typer(
    help="Photos in Elasticsearch, searchable by face.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "install": cluster.install,
    "attach": cluster.attach,
    "index": photos.index,
    "search": photos.search,
    "explore": explore.explore,
    "calibrate": calibrate.calibrate,
    "evaluate": evaluate.evaluate,
    "status": cluster.status,
    "up": servers.up,
    "demo": servers.demo,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(with_verbosity(_command))
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
    """Photos in Elasticsearch, searchable by face."""
    set_verbosity(verbose, quiet)
