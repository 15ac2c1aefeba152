"""The command `faces export`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import AuthorizationException, Elasticsearch

from es_setup.connection import Connection
from es_setup.private_files import open_private
from es_setup.shipped_files import GALLERY
from faces.cli.lists import GalleryOption, IndexOption, gallery_if_there
from faces.cli.options import connected_to_elasticsearch
from faces.cli.output import check_can_write, counted, explained, fail, out, say, tracked
from faces.decisions.journal import Journal, JournalMissing
from faces.decisions.labelling import known_name
from faces.listing.exporting import ExportedFace, columns, exported
from faces.listing.photos import require_known, together
from faces.searchable import searchable
from faces.shown import csv_text


@connected_to_elasticsearch
def export(
    connection: Connection,
    name: Annotated[str, typer.Option(help="whose faces")],
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, the default")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, a list")] = False,
    file: Annotated[
        Path | None, typer.Option("--out", help="write it to this file; a new one only you can read")
    ] = None,
    index: IndexOption = "faces",
    gallery: GalleryOption = GALLERY,
) -> None:
    """Export every face of a person: which photo and where on it, when, how that is known and who decided it.
    Matches that nobody confirmed are there, too, as `guess`. Needs Elasticsearch alone.
    """
    if as_csv and as_json:
        fail("give either --csv or --json", status=2)
    with explained():
        check_can_write(file)
        es = connection.elasticsearch()
        where, person = searchable(es, index), known_name(name)
        require_known(es, where, gallery_if_there(es, gallery), [person])
        total = es.count(index=where.name, query=together(where, [person], guesses=True))["count"]
        rows = exported(es, where, person, _journal(es))
        lines = _as_json if as_json else _as_csv
        if file is None:
            count = _write(lines(rows), out.print)
        else:
            with open_private(file) as target:
                count = _write(
                    lines(tracked(rows, total, "exporting")),
                    lambda line: target.write(f"{line}\n".encode()),
                )
    say(f"{counted(count, 'row')} of [{person}] in [{index}]" + (f", in {file}" if file else ""))


def _journal(es: Elasticsearch) -> Journal | None:
    try:
        journal = Journal(es)
        journal.operations(1)
    except (JournalMissing, AuthorizationException):
        say("note: who decided isn't known, as the journal can't be read")
        return None
    return journal


def _as_csv(rows: Iterable[ExportedFace]) -> Iterator[tuple[str, int]]:
    """Lines, each with how many rows it has."""
    yield csv_text.row(columns()), 0
    for row in rows:
        yield csv_text.row(row.values()), 1


def _as_json(rows: Iterable[ExportedFace]) -> Iterator[tuple[str, int]]:
    before = "["
    for row in rows:
        yield before + json.dumps(row.as_json()), 1
        before = ","
    yield "]" if before == "," else "[]", 0


def _write(lines: Iterable[tuple[str, int]], write: Callable[[str], object]) -> int:
    count = 0
    for line, rows in lines:
        write(line)
        count += rows
    return count
