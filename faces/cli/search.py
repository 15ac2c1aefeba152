"""The command `faces search`."""

from __future__ import annotations

import base64
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection, ConnectionFailed
from es_setup.shipped_files import GALLERY
from faces.calibration.indices import Shared, faces_in, listed, shared
from faces.cli.options import IndexOption, JsonFlag, connected
from faces.cli.output import (
    chance,
    check_can_write,
    counted,
    explained,
    fail,
    meaning,
    out,
    print_json,
    verdicts,
)
from faces.matches import Match
from faces.people import Person, find_person
from faces.photo_faces import photo_faces
from faces.plotting import plot
from faces.searchable import Searchable, searchable
from faces.searching import (
    FaceQuery,
    NoPlugin,
    QueryFace,
    QueryResult,
    judged_as_json,
    query_face,
    search,
)
from faces.shown.terminal import table
from faces.undisturbed import undisturbed

STANDARD_INPUT = Path("-")


@connected
def search_command(
    connection: Connection,
    photo: Annotated[Path | None, typer.Argument(help="a photo; - reads one from standard input")] = None,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="in place of PHOTO: somebody with portraits in the gallery, or labelled faces",
        ),
    ] = None,
    gallery: Annotated[
        str | None, typer.Option(help=f"with --person: index or alias of portraits; default: {GALLERY}")
    ] = None,
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
    """Find the photos with the faces most similar to a face of PHOTO, or to a person's. Needs the service or
    the plugin for a PHOTO, Elasticsearch alone for --person.
    """
    with explained():
        _check(photo, person, gallery, face)
        check_can_write(plot_file)
        data = _read(photo) if photo else None
        es = connection.elasticsearch()

        def found(where: Searchable) -> tuple[Searchable, Person | None, FaceQuery, list[Match]]:
            known = _person(es, person, gallery, where) if person is not None else None
            query = FaceQuery(data, k, face, min_similarity, name, known.vector if known else None)
            return where, known, query, _search(connection, es, query, where)

        where, known, query, matches = undisturbed(es, index, found)
        judged = shared(where.recorded)
        chosen, unknown = _query_face(connection, es, query, where)
        notes = [*unknown, *_notes(es, query, where, judged, matches)]
        if plot_file:
            title = _title(photo, known)
            drawn = data or base64.b64decode((known and known.thumbnail) or "")
            result = QueryResult(title, None, drawn, matches, chosen)
            plot([result], plot_file, f"{title}: {verdicts(judged)}")
    if as_json:
        print_json(
            {
                "query": str(photo) if photo else None,
                "face": chosen.as_json() if chosen else None,
                "person": known.as_json() if known else None,
                "searched": list(where.recorded),
                "not_searched": list(where.without),
                **judged_as_json(judged),
                "notes": notes,
                "matches": [match.as_json() for match in matches],
            }
        )
        return
    if chosen:
        out.print(f"query: {_described(chosen)}")
    if known:
        out.print(f"query: {known.description}")
    print_matches(matches)
    made = judged.calibration
    out.print(f"verdicts: {meaning(made) if made else verdicts(judged)}")
    for note in notes:
        out.print(f"note: {note}")
    if plot_file:
        out.print(f"picture: {plot_file.resolve()}")


def _check(photo: Path | None, person: str | None, gallery: str | None, face: int | None) -> None:
    if (photo is None) == (person is None):
        fail("name either a PHOTO or a --person to search for", status=2)
    if person is None and gallery is not None:
        fail("--gallery goes with --person", status=2)
    if person is not None and face is not None:
        fail("--face chooses a face of PHOTO: it doesn't go with --person", status=2)


def _person(es: Elasticsearch, name: str, gallery: str | None, where: Searchable) -> Person:
    """By the gallery, if there is one, or by what is searched."""
    places = [where]
    if gallery is not None or es.indices.exists(index=GALLERY):
        places.insert(0, searchable(es, gallery or GALLERY))
    # An empty archive may name no model; then the portraits must at least have one in common.
    return find_person(es, name, where.model(es) or places[0].model(es), places)


def _title(photo: Path | None, known: Person | None) -> str:
    if known:
        return known.name
    return "standard input" if photo is None or photo == STANDARD_INPUT else photo.name


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


def _search(connection: Connection, es: Elasticsearch, query: FaceQuery, where: Searchable) -> list[Match]:
    """Without the plugin, with the vector that the service finds."""
    try:
        return search(es, query, where)
    except NoPlugin:
        assert query.photo is not None
        found = photo_faces(connection, es, query.photo, where.model(es))
        vector = found.faces[found.face(query.face or 0)]["vector"]
        return search(es, replace(query, photo=None, vector=tuple(vector)), where)


def _query_face(
    connection: Connection, es: Elasticsearch, query: FaceQuery, where: Searchable
) -> tuple[QueryFace | None, list[str]]:
    """The face that was looked for, and a note if it isn't known."""
    if query.photo is None:
        return None, []
    which = "its largest face" if query.face is None else f"face {query.face}"
    try:
        return query_face(connection.service(), query.photo, query.face, where.model(es)), []
    except ConnectionFailed as error:
        return None, [f"the query is {which}; where on the photo that is isn't known: {error}"]


def _notes(
    es: Elasticsearch, query: FaceQuery, where: Searchable, judged: Shared, matches: list[Match]
) -> list[str]:
    """Facts about the indices that affect how the matches are to be read."""
    notes = [f"not calibrated: {judged.problem}"] if judged.problem else []
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
        notes.append(f"no match {' '.join(wanted)} among {counted(count, 'face')} of [{where.name}]")
    elif judged.calibration and count > judged.calibration.gallery_size:
        notes.append(
            f"[{where.name}] has {counted(count, 'face')}, more than it was calibrated for, so there may be "
            f"more false hits than stated: run `faces calibrate FOLDER --gallery-size {count}`"
        )
    return notes
