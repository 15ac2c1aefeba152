"""The command `faces duplicates`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from es_setup.connection import Connection
from faces.cli.options import IndexOption, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.cli.versions import measures
from faces.copies.duplicates import DuplicateGroup, described, grouped
from faces.copies.fingerprints import with_fingerprint
from faces.copies.left_out import without_fingerprint
from faces.pages import count_of
from faces.searchable import searchable
from faces.shown import csv_text
from faces.shown.terminal import table

COLUMNS = ("index", "id", "path", "url", "width", "height", "bytes", "date", "known")
"""Of a CSV, after the number of the group."""


@connected_to_elasticsearch
def duplicates_command(
    connection: Connection,
    exact: Annotated[bool, typer.Option("--exact", help="only the same bytes")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV, a line for each file")] = False,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """List the photos that are in the index several times: the same bytes by their hash, and near-identical
    pictures by their fingerprint. In each group the largest picture comes first. Nothing is deleted.

    Needs Elasticsearch alone.
    """
    if as_csv and as_json:
        fail("give either --csv or --json", status=2)
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        where = searchable(es, index)
        total = 0 if exact else count_of(es, where.name, with_fingerprint(where))
        unknown = 0 if exact else without_fingerprint(es, where)
        found = grouped(es, where, exact, partial(tracked, total=total, what="comparing", unit="photos"))
        groups = _Counted(described(es, where, found))
        write = _write_json if as_json else _write_csv if as_csv else _write_tables
        write(groups)
    if unknown:
        say(f"note: photos without a fingerprint, compared by their bytes alone: {unknown:,}")
    # What reads JSON or CSV doesn't expect a sentence.
    last: Callable[[str], object] = say if as_json or as_csv else out.print
    last(
        f"{counted(groups.groups, 'group')} of {counted(groups.photos, 'photo')} in [{index}]; "
        f"{groups.bytes:,} bytes could be saved"
    )


@dataclass
class _Counted:
    """Passes groups on and counts them, and the bytes of all but the first file of each."""

    found: Iterable[DuplicateGroup]
    groups: int = 0
    photos: int = 0
    bytes: int = 0

    def __iter__(self) -> Iterator[DuplicateGroup]:
        for group in self.found:
            self.groups += 1
            self.photos += len(group.files)
            self.bytes += group.saved
            yield group


def _write_tables(groups: _Counted) -> None:
    for group in groups:
        several = len({file.photo.index for file in group.files}) > 1
        columns = (*(["index"] if several else []), "photo", "id", "pixels", "bytes", "date", "known by")
        rows = table(*columns)
        for file in group.files:
            photo = file.photo
            known = file.known.words if file.known else "-"
            own = [photo.index] if several else []
            rows.add_row(*own, file.path or photo.id, photo.id, *measures(photo), known)
        out.print(f"group {groups.groups}: {counted(len(group.files), 'photo')}, {group.saved:,} bytes")
        out.print(rows)


def _write_csv(groups: _Counted) -> None:
    out.print(csv_text.row(("group", *COLUMNS)))
    for group in groups:
        for file in group.files:
            values = file.as_json()
            out.print(csv_text.row((groups.groups, *(values[name] for name in COLUMNS))))


def _write_json(groups: _Counted) -> None:
    found = [group.as_json() for group in groups]
    print_json({"groups": found, "photos": groups.photos, "bytes": groups.bytes})
