"""The command `faces search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.calibration.indices import Shared, calibration_of, faces_in
from faces.cli.options import (
    IndexOption,
    JsonFlag,
    connected,
)
from faces.cli.output import (
    check_can_write,
    explained,
    faces,
    meaning,
    out,
    print_json,
    print_matches,
    verdicts,
)
from faces.photos import PhotoFile
from faces.plotting import plot
from faces.searching import Match, QueryResult, calibration_as_json, query_box, search


@connected
def search_command(
    connection: Connection,
    photo: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="a photo; its largest face is the query")
    ],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="number of matches")] = 5,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="write a PNG of the matches to this file")
    ] = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """Find the photos with the faces most similar to PHOTO's."""
    with explained():
        check_can_write(plot_file)
        data = photo.read_bytes()
        es = connection.elasticsearch()
        shared = calibration_of(es, index)
        matches = search(es, data, k, index, shared.calibration)
        notes = _notes(es, index, shared, matches)
        if plot_file:
            box = query_box(connection.service(), data)
            result = QueryResult(PhotoFile(photo, photo.name), matches, box)
            plot([result], plot_file, f"{photo.name}: {verdicts(shared.calibration)}")
    if as_json:
        print_json(
            {
                "query": str(photo),
                **calibration_as_json(shared.calibration),
                "notes": notes,
                "matches": [match.as_json() for match in matches],
            }
        )
    else:
        print_matches(matches)
        thresholds = meaning(shared.calibration) if shared.calibration else verdicts(None)
        out.print(f"verdicts: {thresholds}", markup=False)
        for note in notes:
            out.print(f"note: {note}", markup=False)
        if plot_file:
            out.print(f"picture: {plot_file.resolve()}", markup=False)


def _notes(es: Elasticsearch, index: str, shared: Shared, matches: list[Match]) -> list[str]:
    """Facts about the index that affect how the matches are to be read."""
    notes = [f"not calibrated: {shared.problem}"] if shared.problem else []
    if not matches:
        notes.append(f"[{index}] has no faces yet: add photos with `faces index FOLDER`")
    elif shared.calibration and (count := faces_in(es, index)) > shared.calibration.gallery_size:
        notes.append(
            f"[{index}] has {faces(count)}, more than it was calibrated for, so there may be more false hits "
            f"than stated: run `faces calibrate FOLDER --gallery-size {count}`"
        )
    return notes
