"""Commands for Kibana's boards: dashboards install, export, check."""

from __future__ import annotations

import sys
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from elasticsearch import ApiError, TransportError

from es_setup.connection import Connection, ConnectionFailed, without_password
from es_setup.install import has_plugin
from es_setup.private_files import write_private
from faces.calibration.board_verdicts import of_cluster
from faces.cli.options import JsonFlag, connected_to_kibana
from faces.cli.output import (
    check_can_write,
    err,
    explain,
    explained,
    fail,
    out,
    print_json,
    refuse_both,
    say,
)
from faces.cli.verbosity import with_verbosity
from faces.shown.printable import json_text, printable
from kibana import alert, build, importing
from kibana.client import Kibana, connect
from kibana.desk_link import desk_of_any, is_address
from kibana.importing import Outcome, Presence
from kibana.indices import index_states
from kibana.lint import fields_used
from kibana.saved_object import SavedObject, ndjson
from kibana.server import DEFAULT_SPACE
from kibana.verdicts import NOT_CALIBRATED, Verdicts, stated_by

app = typer.Typer(help="Import, export and check the boards in Kibana.", no_args_is_help=True)

SpaceOption = Annotated[str, typer.Option(help="the space's identifier, as in its address")]

RESULTS = {
    "imported": "imported",
    "exists": "exists",
    "updated": "updated with new thresholds or another link to the desk",
    "replaced": "replaced",
    "kept": "DIFFERS, kept as it is",
    "failed": "NOT imported",
}
ADVICE = (
    "pictures in the Vega galleries need `vis_type_vega.enableExternalUrls: true` in kibana.yml, which this "
    "command can't check; the Discover panels beside them need no setting"
)


@connected_to_kibana
def install(
    connection: Connection,
    space: SpaceOption = DEFAULT_SPACE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace existing boards, and lose changes made to them")
    ] = False,
    keep_edited: Annotated[
        bool, typer.Option("--keep-edited", help="keep changed boards, and don't fail because of them")
    ] = False,
    desk: Annotated[
        str | None,
        typer.Option(
            envvar="FACES_DESK_URL",
            help="the desk's address, as browsers reach it: every board links to it. Later installs keep it; "
            "an empty one takes it away",
        ),
    ] = None,
    with_alert: Annotated[
        bool, typer.Option("--alert", help="also add a rule that writes watch-list matches to `face-alerts`")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for Kibana to start")] = 60,
) -> None:
    """Import boards, data views and tags, with the thresholds of the calibration, or of the indices' model.
    Can be repeated. Exit status 1 if any of them isn't as shipped afterwards. Needs Kibana and Elasticsearch;
    with the plugin, all panels work.
    """
    refuse_both(overwrite, keep_edited)
    if desk and not is_address(desk):
        fail(
            f"--desk [{printable(without_password(desk))}]: boards can't link to this: give an address such "
            "as http://127.0.0.1:8502, without a password",
            status=2,
        )
    with explained():
        kibana = _ready(connection, space, wait)
        verdicts, unknown = _verdicts(connection, kibana)
        linked = _desk(kibana) if desk is None else desk or None
        ours = build.objects(verdicts, linked)
        outcomes = importing.install(kibana, ours, overwrite, build.with_settings_of)
        for outcome in outcomes:
            out.print(_result(outcome))
        for what, done in alert.install(kibana, overwrite) if with_alert else ():
            out.print(f"{what}: {done}")
    out.print(f"verdicts: {verdicts.words}")
    if unknown:
        err.print(f"thresholds unchanged: the indices' can't be read: {unknown}")
    if kept := sum(outcome.state == "kept" for outcome in outcomes):
        err.print(
            f"{kept} of {len(outcomes)} are not as shipped: they were edited, or are from an older "
            "release. `faces dashboards install --overwrite` replaces them; changes made to them are lost"
        )
    if failed := sum(outcome.state == "failed" for outcome in outcomes):
        err.print(f"{failed} of {len(outcomes)} were not imported; all others are in Kibana")
    raise typer.Exit(1 if failed or (kept and not keep_edited) else 0)


@connected_to_kibana
def export(
    connection: Connection,
    space: SpaceOption = DEFAULT_SPACE,
    file: Annotated[
        Path | None, typer.Option("--out", help="the file to write; default: standard output")
    ] = None,
) -> None:
    """Write Kibana's copies of the boards in the form of kibana/saved_objects.ndjson, to compare with it: the
    indices' thresholds are replaced by the shipped ones. Needs Kibana.
    """
    with explained():
        check_can_write(file)
        kibana = _ready(connection, space)
        copies = importing.copies(kibana, build.objects())
        objects = build.objects(desk=desk_of_any(copies.values()))
        text = ndjson(importing.as_shipped(objects, copies, build.with_settings_of))
        if file:
            write_private(file, text.encode())
        else:
            typer.echo(json_text(text) if sys.stdout.isatty() else text, nl=False)


@connected_to_kibana
def check(connection: Connection, space: SpaceOption = DEFAULT_SPACE, as_json: JsonFlag = False) -> None:
    """Check that the boards are in Kibana as shipped, with everything they need. Exit status 1 if not. Needs
    Kibana and Elasticsearch.
    """
    with explained():
        kibana = _ready(connection, space)
        verdicts, _ = _verdicts(connection, kibana)
        shipped = build.objects(verdicts, _desk(kibana))
        boards = importing.presence(kibana, shipped, build.with_settings_of)
        views = kibana.data_views()
    elasticsearch = _elasticsearch(connection, shipped)
    problems = [problem for board in boards if (problem := _problem(board, views))]
    if as_json:
        found: dict[str, Any] = {"objects": [asdict(board) for board in boards], "problems": problems}
        found["verdicts"] = {**asdict(verdicts.thresholds), "source": verdicts.source}
        print_json({"kibana": kibana.url, "space": space, **found, "elasticsearch": elasticsearch})
    else:
        for board in boards:
            but = ", except its thresholds" if board.other_thresholds else ""
            out.print(f"{board.type} {board.title}: {board.state}{but}")
        out.print(f"verdicts: {verdicts.words}")
        for problem in [*problems, *elasticsearch["problems"]]:
            out.print(f"problem: {problem}")
        out.print(f"note: {ADVICE}")
    raise typer.Exit(1 if problems or elasticsearch["problems"] else 0)


for _name, _command in {"install": install, "export": export, "check": check}.items():
    app.command(_name)(with_verbosity(_command))


def _ready(connection: Connection, space: str, wait: float = 0) -> Kibana:
    kibana = connect(connection, space)
    kibana.wait_until_available(wait, say)
    kibana.require_space()
    return kibana


def _verdicts(connection: Connection, kibana: Kibana) -> tuple[Verdicts, str]:
    """The verdicts to build with, and why the indices can't be asked, if so: then those of the boards in
    Kibana."""
    try:
        return of_cluster(connection.elasticsearch().options(request_timeout=10)), ""
    except (ApiError, TransportError, ConnectionFailed) as error:
        why = explain(error, without_password(connection.es_url))
    there = importing.copies(kibana, build.objects()).values()
    return next(filter(None, map(stated_by, there)), NOT_CALIBRATED), why


def _desk(kibana: Kibana) -> str | None:
    """The address that the boards in Kibana link to."""
    return desk_of_any(importing.copies(kibana, build.objects()).values())


def _result(outcome: Outcome) -> str:
    text = f"{outcome.type} {outcome.title}: {RESULTS[outcome.state]}"
    if outcome.copy_id != outcome.id:
        text += f" as {outcome.copy_id}, because another space has [{outcome.id}]"
    return text + (f": {outcome.reason}" if outcome.reason else "")


def _problem(board: Presence, views: Container[str | None]) -> str | None:
    name = f"{board.type} {board.title}"
    if board.state == "missing":
        return f"{name} is missing: run `faces dashboards install`"
    if board.dangling:
        absent = ", ".join(" ".join(key) for key in board.dangling)
        return f"{name} refers to objects that aren't in this space: {absent}"
    if board.type == "index-pattern" and board.copy_id not in views:
        return f"{name} is there, but Kibana doesn't offer it as a data view"
    if board.state == "changed":
        too = ", and its thresholds aren't the indices'" if board.other_thresholds else ""
        return f"{name} isn't as shipped{too}: `faces dashboards install --overwrite` replaces it"
    if board.other_thresholds:
        return (
            f"{name} has other thresholds than the indices, or another link to the desk than other boards: "
            "run `faces dashboards install`"
        )
    return None


def _elasticsearch(connection: Connection, shipped: list[SavedObject]) -> dict[str, Any]:
    """What the boards need in Elasticsearch: the indices of the data views, and the plugin."""
    facts: dict[str, Any] = {"url": without_password(connection.es_url), "problems": []}
    problems: list[str] = facts["problems"]
    try:
        es = connection.elasticsearch().options(request_timeout=10)
        facts["plugin"] = has_plugin(es)
        found = index_states(es, shipped, fields_used(build.content()))
    except (ApiError, TransportError, ConnectionFailed) as error:
        problems.append(explain(error, facts["url"]))
        return facts
    facts["indices"] = [asdict(index) for index in found]
    if not facts["plugin"]:
        problems.append(
            "a node of Elasticsearch lacks the plugin [ingest-face], which the face galleries need"
        )
    for index in found:
        if not index.exists:
            problems.append(f"Elasticsearch has no [{index.name}]: run `faces install`")
        elif index.missing_fields:
            absent = ", ".join(index.missing_fields)
            problems.append(f"[{index.name}] lacks fields that the boards use: {absent}; run `faces install`")
    return facts
