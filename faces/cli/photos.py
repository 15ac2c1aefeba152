"""Commands about photos: index, search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces import demo as demos
from faces.calibration.indices import Shared, calibration_of, faces_in
from faces.cli.options import (
    FolderArgument,
    IndexOption,
    JsonFlag,
    Labels,
    connected,
    connected_to_elasticsearch,
)
from faces.cli.output import (
    check_can_write,
    err,
    explained,
    faces,
    fail,
    meaning,
    out,
    print_json,
    print_matches,
    summary,
    tracked,
    verdicts,
)
from faces.indexing import index_photos
from faces.photos import photos_below
from faces.plotting import Query, plot
from faces.searching import Match, calibrated
from faces.searching import search as find


@connected_to_elasticsearch
def index(
    connection: Connection,
    folder: FolderArgument,
    labels: Labels = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """Index every photo below FOLDER. Running it again adds nothing twice."""
    with explained():
        es = connection.elasticsearch()
        photos = photos_below(folder, labels == "folder")
        if not photos:
            fail(f"no photos below {folder}")
        tally = demos.Tally()
        for indexed in tracked(index_photos(es, photos, index), len(photos), "indexing"):
            tally.count(indexed)
            if indexed.error:
                err.print(f"{indexed.photo.name}: {indexed.error}", markup=False)
        es.indices.refresh(index=index)
    if as_json:
        print_json(
            {
                "photos": tally.photos,
                "with_faces": tally.with_faces,
                "faces": tally.faces,
                "unreadable": tally.unreadable,
                "not_stored": tally.not_stored,
            }
        )
    else:
        out.print(summary(tally), markup=False)
    raise typer.Exit(1 if tally.not_stored else 0)


@connected
def search(
    connection: Connection,
    photo: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="whose largest face is looked for")
    ],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="how many matches")] = 5,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="write a PNG of the matches")] = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """Find the photos whose faces look most like PHOTO's."""
    with explained():
        check_can_write(plot_file)
        data = photo.read_bytes()
        es = connection.elasticsearch()
        shared = calibration_of(es, index)
        matches = find(es, data, k, index, shared.calibration)
        notes = _notes(es, index, shared, matches)
        if plot_file:
            query = Query(photo, None, matches, demos.query_box(connection.service(), data))
            plot([query], plot_file, f"{photo.name}: {verdicts(shared.calibration)}")
    if as_json:
        found = [match.as_json() for match in matches]
        about = calibrated(shared.calibration) | {"notes": notes}
        print_json({"query": str(photo), **about, "matches": found})
    else:
        print_matches(matches)
        words = meaning(shared.calibration) if shared.calibration else verdicts(None)
        out.print(f"verdicts: {words}", markup=False)
        for note in notes:
            out.print(f"note: {note}", markup=False)
        if plot_file:
            out.print(f"picture: {plot_file.resolve()}", markup=False)


def _notes(es: Elasticsearch, index: str, shared: Shared, matches: list[Match]) -> list[str]:
    """What whoever reads the matches should know of the index."""
    notes = [f"not calibrated, {shared.problem}"] if shared.problem else []
    if not matches:
        notes.append(f"[{index}] holds no face yet: `faces index FOLDER` sends photos")
    elif shared.calibration and (count := faces_in(es, index)) > shared.calibration.gallery_size:
        notes.append(
            f"[{index}] holds {faces(count)}, more than it was calibrated for, so false hits may be more "
            f"than stated: `faces calibrate FOLDER --gallery-size {count}`"
        )
    return notes
