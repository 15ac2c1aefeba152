"""The command `faces explore`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from es_setup.connection import Connection
from es_setup.private_files import private_folder, write_private
from faces.cli.options import STANDARD_OUTPUT, IndexOption, connected_to_elasticsearch
from faces.cli.output import busy, check_can_write, explained, out, print_json
from faces.explore import index_faces
from faces.explore.exploration import Exploration, explore
from faces.explore.summary import comparison, how_alike, summary
from faces.extras import require
from faces.shown.terminal import table

SHOWN = 20
"""How many entries of each list are printed."""


@connected_to_elasticsearch
def explore_command(
    connection: Connection,
    index: IndexOption = "faces",
    folder: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, help="a folder for explore.html, with a map and pictures"),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="write all numbers and suspected documents; - prints only them, to standard output"
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=2, max=100_000, help="how many faces to compare, newest photos first")
    ] = index_faces.LIMIT,
) -> None:
    """Describe an index, and list suspected wrong names, people with two names, and duplicate photos. Needs
    Elasticsearch alone.
    """
    with explained():
        require("explore", "eland", *(["matplotlib", "sklearn"] if folder else []))
        check_can_write(None if json_file == STANDARD_OUTPUT else json_file)
        es = connection.elasticsearch()
        with busy() as step:
            step(f"reading [{index}]")
            found = explore(es, index, limit)
            if folder:
                # Imported here, since it takes seconds that only pictures need.
                from faces.explore.report import write

                private_folder(folder)
                step(f"drawing a map of {len(found.faces.faces):,} faces")
                write(es, found, folder)
        if json_file == STANDARD_OUTPUT:
            print_json(found.as_json())
            return
        if json_file:
            written = json.dumps(found.as_json(), indent=2, allow_nan=False) + "\n"
            write_private(json_file, written.encode())
    show(found)
    if folder:
        out.print(f"page: {folder / 'explore.html'}")


def show(found: Exploration) -> None:
    for line in (*summary(found.overview), *comparison(found)):
        out.print(line)
    faces = found.faces.faces
    print_list(
        "faces that are unlike the others of their name",
        ("name", "similarity", "usual", "closest to", "similarity", "document"),
        [
            (
                one.name,
                f"{one.own:.3f}",
                f"{one.usual:.3f}",
                one.other or "-",
                f"{one.similarity:.3f}" if one.other else "-",
                faces[one.face].document,
            )
            for one in found.outliers
        ],
    )
    print_list(
        "faces of different names that match",
        ("names", "similarity", "documents"),
        [
            (
                f"{faces[one.first].name}, {faces[one.second].name}",
                f"{one.similarity:.3f}",
                f"{faces[one.first].document}, {faces[one.second].document}",
            )
            for one in found.near_duplicates
        ],
    )
    print_list(
        "photos that are indexed twice",
        ("documents", "copy", "names"),
        [
            (
                f"{faces[one.first].document}, {faces[one.second].document}",
                how_alike(one),
                "in conflict" if one.conflict else "",
            )
            for one in found.same_photos
        ],
    )


def print_list(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    more = f", the first {SHOWN} shown" if len(rows) > SHOWN else ""
    out.print()
    out.print(f"{title}: {len(rows):,}{more}")
    if not rows:
        return
    shown = table(*header)
    for row in rows[:SHOWN]:
        shown.add_row(*row)
    out.print(shown)
