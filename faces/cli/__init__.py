"""The command ``faces``: options and output. The work is done by the modules of the parent folder.

Exit statuses: 0 success; 1 something failed or is missing; 2 wrong usage; 130 ended by a signal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from faces.cli import calibrate, cluster, dashboards, evaluate, explore, index, search, servers
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
    "search": search.search_command,
    "explore": explore.explore_command,
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
    """Index photos in Elasticsearch and find them by face."""
    set_verbosity(verbose, quiet)
    show_warnings()
