"""The commands `faces rename` and `faces merge`: one name for another, everywhere."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from es_setup.connection import Connection
from faces.cli.changes import EVERYWHERE, Changes, words
from faces.cli.options import DryRun, JsonFlag, connected_to_elasticsearch
from faces.cli.output import explained, tracked
from faces.cli.servers import stopped_by_signals
from faces.decisions.labelling import known_name, one_name
from faces.decisions.one_for_another import NameReplacement
from faces.searchable import searchable

Index = Annotated[str, typer.Option("--index", help="indices or aliases with photos and portraits")]


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
    connection: Connection,
    action: Literal["rename", "merge"],
    old: str,
    new: str,
    index: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    with explained(), stopped_by_signals():
        old, new = known_name(old), one_name(new)
        es = connection.elasticsearch()
        replacement = NameReplacement.begin(es, searchable(es, index), action, old, new)
        changes = Changes(replacement.operation, dry_run)
        changes.collect(tracked(replacement.run(dry_run), replacement.documents, "renaming"))
        for (_, face), (path, said) in replacement.contradicting.items():
            changes.note(
                f"{path}, face {face}: {words(said)}: as both are [{replacement.new}] now, the label stays"
            )
    changes.finish("renamed", as_json)
