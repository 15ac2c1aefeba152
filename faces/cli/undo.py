"""The commands `faces undo` and `faces decisions`: the journal of what people decided."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from es_setup.connection import Connection
from faces.cli.changes import Changes, words
from faces.cli.options import DryRun, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, explained, fail, out, print_json, tracked
from faces.cli.probe_tags import bring_tags_back
from faces.cli.servers import stopped_by_signals
from faces.decisions.entries import Decision, Operation, Recorded
from faces.decisions.journal import Journal
from faces.decisions.labelling import known_name
from faces.decisions.undoing import can_be_undone, to_undo, undo
from faces.shown.terminal import table

Size = Annotated[int, typer.Option("--size", min=1, max=10_000, help="at most so many, the newest")]


@connected_to_elasticsearch
def undo_command(
    connection: Connection,
    operation: Annotated[
        str | None, typer.Argument(help="the operation's id; default: the last one that isn't undone")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="list the last operations")] = False,
    size: Annotated[
        int | None,
        typer.Option("--size", min=1, max=1000, help="with --list: at most so many; default: 20"),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Take back what one command decided. What was decided about the same faces since stays, and is named.
    Needs Elasticsearch alone.
    """
    if list_them and (operation is not None or dry_run):
        fail("--list only lists: it doesn't go with OPERATION or --dry-run", status=2)
    if size is not None and not list_them:
        fail("--size goes with --list", status=2)
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        journal = Journal(es)
        if list_them:
            _list(journal.operations(size or 20), as_json)
            return
        wanted = to_undo(journal, operation)
        undoing = journal.begin("undo", [wanted.id], undoes=wanted.id)
        changes, since = Changes(undoing, dry_run), 0
        total = journal.documents(wanted.id)
        for changed, kept in tracked(undo(es, journal, undoing, dry_run), total, "undoing"):
            changes.add(changed)
            since += len(kept)
            for text in kept:
                changes.note(f"{changed.path or changed.id or changed.index}: {text}, so it stays")
        probes = 0 if dry_run else bring_tags_back(es, journal, wanted, changes)
        if not dry_run and not changes.has_failed:
            journal.finish(undoing)
    if not as_json:
        undid = "would undo" if dry_run else "undid"
        out.print(f"{undid} [{wanted.action}] of {wanted.at} by [{wanted.user}], operation {wanted.id}")
        if probes:
            out.print(f"{counted(probes, 'probe')} refreshed")
    undone = {"undone": wanted.id, "undone_action": wanted.action}
    changes.finish("restored", as_json, **undone, kept=since, probes=probes)


@connected_to_elasticsearch
def decisions_command(
    connection: Connection,
    name: Annotated[str | None, typer.Option(help="only those about this person")] = None,
    operation: Annotated[str | None, typer.Option(help="only those of this operation, by its id")] = None,
    size: Size = 100,
    as_json: JsonFlag = False,
) -> None:
    """List what people decided: who, when, what, before and after. Newest first. Needs
    Elasticsearch alone.
    """
    with explained():
        journal = Journal(connection.elasticsearch())
        wanted = known_name(name) if name is not None else None
        found = list(islice(journal.decisions(operation, wanted), size))
    if as_json:
        print_json({"decisions": [_as_json(one) for one in found]})
        return
    rows = table("time", "user", "action", "operation", "document", "face", "before", "after")
    for one in found:
        done = one.operation
        rows.add_row(
            done.at,
            done.user,
            done.action,
            done.id,
            f"{one.index}/{one.document}",
            one.face or "-",
            words(one.before),
            words(one.after),
        )
    out.print(rows if found else "no decision")
    out.print(counted(len(found), "decision"))


def _list(found: list[Recorded], as_json: bool) -> None:
    if as_json:
        print_json({"operations": [_operation_as_json(one) for one in found]})
        return
    rows = table("operation", "time", "user", "action", "decisions", "documents", "")
    for one in found:
        done = one.operation
        counts = (str(one.decisions), str(one.documents))
        rows.add_row(done.id, done.at, done.user, done.action, *counts, _standing(one))
    out.print(rows if found else "no operation")


def _standing(one: Recorded) -> str:
    if not can_be_undone(one.operation):
        return "can't be undone"
    return "undone" if one.undone else ""


def _operation_as_json(one: Recorded) -> dict[str, Any]:
    counts = {"decisions": one.decisions, "documents": one.documents}
    return {**_head(one.operation), **counts, "undone": one.undone, "undoable": can_be_undone(one.operation)}


def _as_json(one: Decision) -> dict[str, Any]:
    where = {"index": one.index, "id": one.document, "face": one.face}
    return {**_head(one.operation), **where, "before": one.before, "after": one.after}


def _head(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "time": operation.at,
        "user": operation.user,
        "action": operation.action,
        "undoes": operation.undoes,
    }
