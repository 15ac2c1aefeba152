"""The command `faces search`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection, ConnectionFailed
from faces.calibration.indices import Shared, faces_in, listed, shared
from faces.cli.options import IndexOption, JsonFlag, connected
from faces.cli.output import (
    chance,
    check_can_write,
    explained,
    faces,
    fail,
    meaning,
    out,
    print_json,
    verdicts,
)
from faces.matches import Match
from faces.plotting import plot
from faces.searchable import Searchable, searchable
from faces.searching import FaceQuery, QueryFace, QueryResult, calibration_as_json, query_face, search
from faces.shown.terminal import table

STANDARD_INPUT = Path("-")


@connected
def search_command(
    connection: Connection,
    photo: Annotated[Path, typer.Argument(help="a photo; - reads one from standard input")],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="number of matches")] = 5,
    face: Annotated[
        int | None,
        typer.Option(min=0, help="which face of PHOTO: its position, largest first, from 0; default: 0"),
    ] = None,
    min_similarity: Annotated[
        float | None, typer.Option(min=-1, max=1, help="least cosine similarity of a match")
    ] = None,
    name: Annotated[str | None, typer.Option(help="only photos on which this person is, by labels")] = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="write a PNG of the matches to this file")
    ] = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """Find the photos with the faces most similar to a face of PHOTO."""
    with explained():
        check_can_write(plot_file)
        data = _read(photo)
        es = connection.elasticsearch()
        where = searchable(es, index)
        calibration = shared(where.recorded)
        query = FaceQuery(data, k, face, min_similarity, name)
        matches = search(es, query, where, calibration.calibration)
        chosen, unknown = _query_face(connection, es, query, where)
        notes = [*unknown, *_notes(es, query, where, calibration, matches)]
        if plot_file:
            title = "standard input" if photo == STANDARD_INPUT else photo.name
            result = QueryResult(title, None, data, matches, chosen)
            plot([result], plot_file, f"{title}: {verdicts(calibration.calibration)}")
    if as_json:
        print_json(
            {
                "query": str(photo),
                "face": chosen.as_json() if chosen else None,
                "searched": list(where.recorded),
                "not_searched": list(where.without),
                **calibration_as_json(calibration.calibration),
                "notes": notes,
                "matches": [match.as_json() for match in matches],
            }
        )
        return
    if chosen:
        out.print(f"query: {_described(chosen)}")
    print_matches(matches)
    made = calibration.calibration
    out.print(f"verdicts: {meaning(made) if made else verdicts(None)}")
    for note in notes:
        out.print(f"note: {note}")
    if plot_file:
        out.print(f"picture: {plot_file.resolve()}")


def _read(photo: Path) -> bytes:
    if photo != STANDARD_INPUT and not photo.exists():
        fail(f"no such file [{photo}]", status=2)
    if photo.is_dir():
        fail(f"[{photo}] is a folder: name a photo in it", status=2)
    data = sys.stdin.buffer.read() if photo == STANDARD_INPUT else photo.read_bytes()
    if not data:
        fail("standard input is empty" if photo == STANDARD_INPUT else f"[{photo}] is empty")
    return data


def print_matches(matches: list[Match]) -> None:
    calibrated = any(match.calibration for match in matches)
    several = len({match.index for match in matches}) > 1
    columns = ["", *(["index"] if several else []), "photo", "face", "person", "similarity", "verdict"]
    found = table(*columns, *(["probability"] if calibrated else []))
    for match in matches:
        found.add_row(
            str(match.rank),
            *([match.index] if several else []),
            match.path,
            f"{match.face.position} of {match.face.of}",
            match.person or "-",
            f"{match.similarity:.3f}",
            match.verdict,
            *([chance(match.probability)] if match.probability is not None else []),
        )
    out.print(found if matches else "no match")


def _described(face: QueryFace) -> str:
    x, y, width, height = (round(number) for number in face.box)
    which = "the only face" if face.of == 1 else f"face {face.position} of {face.of}, largest first, from 0"
    return f"{which}: {width} x {height} pixels at {x}, {y}"


def _query_face(
    connection: Connection, es: Elasticsearch, query: FaceQuery, where: Searchable
) -> tuple[QueryFace | None, list[str]]:
    """The face that was looked for, and a note if it isn't known."""
    which = "its largest face" if query.face is None else f"face {query.face}"
    try:
        return query_face(connection.service(), query.photo, query.face, where.model(es)), []
    except ConnectionFailed as error:
        return None, [f"the query is {which}; where on the photo that is isn't known: {error}"]


def _notes(
    es: Elasticsearch, query: FaceQuery, where: Searchable, calibration: Shared, matches: list[Match]
) -> list[str]:
    """Facts about the indices that affect how the matches are to be read."""
    notes = [f"not calibrated: {calibration.problem}"] if calibration.problem else []
    if where.without:
        notes.append(f"not searched, as they can't hold faces: {listed(where.without)}")
    if any(match.guess and not match.name for match in matches):
        notes.append("a guess is a match in the gallery that nobody confirmed")
    if any(match.people and not (match.name or match.guess) for match in matches):
        notes.append("a name after `photo` is of somebody on the photo: nobody said which face it is")
    count = faces_in(es, where.name, where.recorded)
    if not count:
        notes.append(f"[{where.name}] has no faces yet: add photos with `faces index FOLDER`")
    elif not matches:
        wanted = [f"from {query.min_similarity:g}"] if query.min_similarity is not None else []
        wanted += [f"on photos of [{query.name}]"] if query.name is not None else []
        notes.append(f"no match {' '.join(wanted)} among {faces(count)} of [{where.name}]")
    elif calibration.calibration and count > calibration.calibration.gallery_size:
        notes.append(
            f"[{where.name}] has {faces(count)}, more than it was calibrated for, so there may be more false "
            f"hits than stated: run `faces calibrate FOLDER --gallery-size {count}`"
        )
    return notes
