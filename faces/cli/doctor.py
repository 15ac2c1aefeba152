"""The command `faces doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from es_setup.connection import Connection
from faces.cli.options import JsonFlag, connected
from faces.cli.output import explain, fail, out, print_json
from faces.cli.status import summed_up
from faces.health.cluster import is_version
from faces.health.report import findings, report


@connected
def doctor(
    connection: Connection,
    target_version: Annotated[
        str | None,
        typer.Option(
            "--target-version",
            metavar="VERSION",
            help="the version that Elasticsearch will move to, such as 9.5.3: does the plugin fit it?",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List what is wrong, the worst first, each with the line that mends it. Exit status 1 if there is an
    error, 0 if there are only warnings and hints. Changes nothing. Needs nothing: it says what is missing.
    """
    if target_version is not None and not is_version(target_version):
        fail(f"--target-version [{target_version}] isn't a version such as 9.5.3", status=2)
    health = report(connection)
    es = health.elasticsearch
    unreachable = explain(es.failure, es.url) if es.failure else None
    found = findings(health, connection, unreachable, target_version)
    if as_json:
        print_json({"findings": [finding.as_json() for finding in found]})
    else:
        for finding in found:
            out.print(f"{finding.severity}: {finding.problem}")
            out.print(f"  {finding.remedy}")
        out.print(summed_up(found))
    raise typer.Exit(1 if any(finding.severity == "error" for finding in found) else 0)
