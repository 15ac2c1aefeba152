"""``./run explore``: what an index holds, a map of its faces, and those that something may be wrong with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from elasticsearch import Elasticsearch
from rich.markup import escape
from rich.table import Table

from es_setup.cli.options import IndexOption, connected_to_elasticsearch
from es_setup.cli.output import busy, check_can_write, explained, fail, out, print_json
from es_setup.connection import Connection
from evaluation import stored
from evaluation.overview import Overview, overview
from evaluation.results import STANDARD_OUTPUT
from evaluation.stored import Faces, Line, NothingToExplore
from evaluation.suspects import Outlier, Pair, Twice, near_duplicates, outliers, same_photos

SHOWN = 20
"""Lines of each list that are printed."""


@dataclass(frozen=True)
class Exploration:
    """What was found in an index. ``line``: by which faces were judged."""

    overview: Overview
    faces: Faces
    line: Line
    outliers: list[Outlier]
    duplicates: list[Pair]
    twice: list[Twice]

    def as_json(self) -> dict[str, Any]:
        """Numbers, ids and names; no vectors and no pictures."""
        return {
            "index": self.faces.index,
            "model": self.faces.model,
            "overview": self.overview.as_json(),
            "faces": {"read": len(self.faces.faces), "total": self.faces.total},
            "line": {"similarity": self.line.similarity, "calibrated": self.line.calibrated},
            "outliers": [
                {
                    **self._face(found.face),
                    "score": round(found.score, 4),
                    "similarity": round(found.own, 4),
                    "usual": round(found.usual, 4),
                    "closer_to": found.other,
                    "its_similarity": round(found.similarity, 4) if found.other else None,
                }
                for found in self.outliers
            ],
            "near_duplicates": [
                {
                    "faces": [self._face(found.first), self._face(found.second)],
                    "similarity": round(found.similarity, 4),
                }
                for found in self.duplicates
            ],
            "same_photos": [
                {
                    "faces": [self._face(found.first), self._face(found.second)],
                    "differing_bits": found.bits,
                    "same_file": found.same_file,
                    "conflict": found.conflict,
                }
                for found in self.twice
            ],
        }

    def _face(self, position: int) -> dict[str, Any]:
        face = self.faces.faces[position]
        return {"index": face.index, "document": face.document, "face": face.id, "name": face.name}


def explore(es: Elasticsearch, index: str, limit: int = stored.LIMIT) -> Exploration:
    """
    Args:
        limit: faces that are read and compared, those of the newest photos first.

    Raises:
        NothingToExplore: there is no such index, or it holds no faces.
        MixedModels: it holds vectors of several models.
    """
    faces = stored.read(es, index, limit)
    line = stored.line(es, index)
    return Exploration(
        overview=overview(es, index),
        faces=faces,
        line=line,
        outliers=outliers(faces),
        duplicates=near_duplicates(faces, line.similarity),
        twice=same_photos(faces),
    )


@connected_to_elasticsearch
def main(
    connection: Connection,
    index: IndexOption = "faces",
    folder: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, help="a folder for explore.html, with a map and pictures"),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="write all numbers, and who is suspected; - is standard output, with nothing else"
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=2, max=100_000, help="faces to compare, those of the newest photos first")
    ] = stored.LIMIT,
) -> None:
    """What an index holds, a map of its faces, wrong names, people with two, photos that are there twice."""
    with explained(), failures_explained():
        check_can_write(None if json_file == STANDARD_OUTPUT else json_file)
        es = connection.elasticsearch()
        with busy() as step:
            step(f"reading [{index}]")
            found = explore(es, index, limit)
            if folder:
                # Imported here: seconds that nobody pays who wants no pictures.
                from evaluation.explore_page import write

                folder.mkdir(parents=True, exist_ok=True)
                step(f"drawing a map of {len(found.faces.faces):,} faces")
                write(es, found, folder)
        if json_file == STANDARD_OUTPUT:
            print_json(found.as_json())
            return
        if json_file:
            json_file.write_text(json.dumps(found.as_json(), indent=2, allow_nan=False) + "\n")
    show(found)
    if folder:
        out.print(f"page: {folder / 'explore.html'}", markup=False)


def show(found: Exploration) -> None:
    for line in (*summary(found.overview), *comparison(found)):
        out.print(line, markup=False)
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
        "faces of different names that are as similar as one person's",
        ("names", "similarity", "documents"),
        [
            (
                f"{faces[one.first].name}, {faces[one.second].name}",
                f"{one.similarity:.3f}",
                f"{faces[one.first].document}, {faces[one.second].document}",
            )
            for one in found.duplicates
        ],
    )
    print_list(
        "photos that are there twice",
        ("documents", "copy", "names"),
        [
            (
                f"{faces[one.first].document}, {faces[one.second].document}",
                how_alike(one),
                "in conflict" if one.conflict else "",
            )
            for one in found.twice
        ],
    )


def summary(counted: Overview) -> Iterator[str]:
    """What the index holds, a line each."""
    yield (
        f"{counted.photos:,} photos: {counted.with_faces:,} with faces, {counted.without_face:,} without, "
        f"{counted.failed:,} failed" + (f", {counted.waiting:,} not looked at yet" if counted.waiting else "")
    )
    unnamed = "" if counted.unnamed_faces is None else f", {counted.unnamed_faces:,} of them without a name"
    yield f"{counted.faces:,} faces{unnamed}"
    if counted.quality:
        yield (
            f"quality of a photo's best face: half are above {counted.quality[0.5]:.2f}, "
            f"5 % below {counted.quality[0.05]:.2f}"
        )
    for what, number, counts in (
        ("people", counted.people, counted.by_person),
        ("observers", counted.observers, counted.by_observer),
    ):
        if counts:
            named = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            yield f"{number:,} {what}: {named}" + (", …" if number > len(counts) else "")
    if counted.by_time:
        yield f"from {next(iter(counted.by_time))} to {next(reversed(counted.by_time))}"


def comparison(found: Exploration) -> Iterator[str]:
    faces = found.faces
    if faces.cut:
        yield (
            f"compared: the {len(faces.faces):,} faces of the newest photos of {faces.total:,} "
            "(--limit compares more)"
        )
    yield f"model {faces.model}; one person's from a similarity of {found.line}"


def how_alike(twice: Twice) -> str:
    return "the same file" if twice.same_file else f"{twice.bits} of 64 bits differ"


def print_list(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    more = f", the first {SHOWN} of them" if len(rows) > SHOWN else ""
    out.print(f"\n{title}: {len(rows):,}{more}", markup=False)
    if not rows:
        return
    table = Table(*header, box=None, header_style="dim")
    for row in rows[:SHOWN]:
        table.add_row(*map(escape, row))
    out.print(table)


@contextmanager
def failures_explained() -> Iterator[None]:
    try:
        yield
    except NothingToExplore as error:
        fail(str(error))


if __name__ == "__main__":
    typer.run(main)
