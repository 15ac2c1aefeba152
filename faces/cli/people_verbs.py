"""The commands `faces rename` and `faces merge`: one name for another, everywhere."""

from __future__ import annotations

from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.buckets import by_index
from faces.cli.changes import EVERYWHERE, Changes, words
from faces.cli.options import DryRun, JsonFlag, connected_to_elasticsearch
from faces.cli.output import explained, fail, tracked
from faces.cli.servers import stopped_by_signals
from faces.decisions.changing import change
from faces.decisions.documents import Document
from faces.decisions.entries import Action
from faces.decisions.journal import Journal
from faces.decisions.labelling import known_name, one_name
from faces.decisions.renaming import contradictions, count_with, keys_with, rename, standing
from faces.decisions.state import state_of_face
from faces.people import UnknownPerson
from faces.searchable import Searchable, searchable
from faces.writable import require_writable

Index = Annotated[str, typer.Option("--index", help="indices or aliases with photos and portraits")]


class NameTaken(UnknownPerson):
    """Somebody else has the new name; the message says what to do."""


@connected_to_elasticsearch
def rename_command(
    connection: Connection,
    old: Annotated[str, typer.Argument(help="the name that stands")],
    new: Annotated[str, typer.Argument(help="the name to take its place, which nobody has yet")],
    index: Index = EVERYWHERE,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a person another name: in labels, photos and portraits, and in guesses. Needs
    Elasticsearch alone.
    """
    _replace(connection, "rename", old, new, index, dry_run, as_json)


@connected_to_elasticsearch
def merge(
    connection: Connection,
    one: Annotated[str, typer.Argument(metavar="A", help="the name that goes")],
    other: Annotated[str, typer.Argument(metavar="B", help="the person that A is, too")],
    index: Index = EVERYWHERE,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say that two names are one person's: all of A becomes B. Needs Elasticsearch alone."""
    _replace(connection, "merge", one, other, index, dry_run, as_json)


def _replace(
    connection: Connection, action: Action, old: str, new: str, index: str, dry_run: bool, as_json: bool
) -> None:
    with explained(), stopped_by_signals():
        old, new = known_name(old), one_name(new)
        if old == new:
            fail(f"both names are [{old}]", status=2)
        es = connection.elasticsearch()
        where, journal = searchable(es, index), Journal(es)
        operation = journal.begin(action, [where.name, old, new])
        if journal.operation(operation.id) is None:
            # Else it was begun before, and may have gone far.
            _check_names(es, where, action, old, new)
        changes = Changes(operation, dry_run)

        def edit(document: Document) -> None:
            for face in contradictions(document, old, new):
                told[document.key, str(face.get("id"))] = (
                    f"{document.path}, face {face.get('id')}: {words(state_of_face(face))}: as both are "
                    f"[{new}] now, the label stays"
                )
            rename(document, old, new)

        told: dict[tuple[tuple[str, str], str], str] = {}
        held = by_index(es, where.name, standing(es, where, old))
        if not dry_run:
            require_writable(es, held)
        results = change(es, journal, operation, where, keys_with(es, where, old), edit, dry_run)
        changes.collect(tracked(results, sum(held.values()), "renaming"))
        for note in told.values():
            changes.note(note)
        if not dry_run and not changes.failed:
            journal.finish(operation)
    changes.finish("renamed", as_json)


def _check_names(es: Elasticsearch, where: Searchable, action: Action, old: str, new: str) -> None:
    """
    Raises:
        UnknownPerson: nobody has the old name, or, for a merge, the new one.
        NameTaken: for another name, somebody has it.
    """
    if not count_with(es, where, old):
        raise UnknownPerson(
            f"nobody is called [{old}] in [{where.name}]: `faces list people` lists the names"
        )
    taken = bool(count_with(es, where, new))
    if action == "rename" and taken:
        raise NameTaken(
            f"somebody is called [{new}] already: if it is the same person, run `faces merge` with both names"
        )
    if action == "merge" and not taken:
        raise UnknownPerson(
            f"nobody is called [{new}] in [{where.name}]: for another name, run `faces rename`"
        )
