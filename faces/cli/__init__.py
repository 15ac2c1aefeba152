"""The command ``faces``. What it prints is here; what it does is in the modules beside this folder.

Exit statuses: 0 all is well; 1 something failed or isn't there; 2 the command was called wrongly.
"""

from __future__ import annotations

import typer

from faces.cli import calibrate, cluster, dashboards, evaluate, explore, photos, servers

app = typer.Typer(
    help="Photos in Elasticsearch, searchable by face.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("install")(cluster.install)
app.command("attach")(cluster.attach)
app.command("index")(photos.index)
app.command("search")(photos.search)
app.command("calibrate")(calibrate.calibrate)
app.command("evaluate")(evaluate.evaluate)
app.command("explore")(explore.explore)
app.command("status")(cluster.status)
app.command("up")(servers.up)
app.command("demo")(servers.demo)
app.add_typer(dashboards.app, name="dashboards")
