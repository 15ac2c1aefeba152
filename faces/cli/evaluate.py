"""The command `faces evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from es_setup.connection import Connection
from faces.cli.options import FolderArgument, JsonFlag, connected_to_service
from faces.cli.output import explained, fail, out, print_json, tracked
from faces.cli.servers import stopped_by_signals
from faces.evaluating import ErrorRates, between, list_in, measure, pairs_of
from faces.labelled_photos import Folder, read
from faces.photo_vectors import FolderVectors, embed


@connected_to_service
def evaluate(
    connection: Connection,
    folder: FolderArgument,
    pairs: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="pairs to verify, as LFW's pairs.txt; default: FOLDER/pairs.txt"
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure how well the running service tells the people in labelled photos apart.

    FOLDER has a folder for each person with that person's photos, as in LFW. Nothing is indexed or stored.
    Without a list of pairs, all pairs are verified. Needs the service; not Elasticsearch.
    """
    with explained(), stopped_by_signals():
        photos = read(folder)
        chosen = pairs_of(photos, pairs or list_in(folder))
        service = connection.service()
        model = service.model().id
        with closing(embed(service, model, photos.photos)) as embedded:
            found = FolderVectors.of(photos, list(tracked(embedded, len(photos.photos), "finding faces")))
        rates = measure(found.vectors, photos.labels(), chosen)
        if rates is None:
            fail(f"no pair has a face on both photos: {_photos(photos, found)}")
    if as_json:
        facts = {"model": model, "photos": len(photos.photos), "people": len(set(photos.people))}
        failed = {"no_face": found.no_face, "unreadable": found.unreadable}
        print_json(facts | failed | {"pairs": len(chosen.first)} | asdict(rates))
        return
    how = "listed" if chosen.listed else "all"
    out.print(f"model {model}; {_photos(photos, found)}")
    out.print(f"{len(chosen.first):,} pairs ({how}), {int(chosen.same.sum()):,} of one person")
    table = Table.grid(padding=(0, 2))
    for cells in numbers(rates):
        table.add_row(*cells)
    out.print(table)


def numbers(rates: ErrorRates) -> Iterator[tuple[str, str, str]]:
    """What `./run evaluate` has in its columns: name, value and 95 % interval."""
    found, sure = rates.verification, rates.intervals
    if found.accuracy:
        value = f"{100 * found.accuracy.mean:.2f} ± {100 * found.accuracy.std:.2f}"
        yield "accuracy %", value, between(sure.accuracy, 100, 2)
    yield "AUC", f"{found.auc:.4f}", between(sure.auc, 1, 4)
    yield "EER %", f"{100 * found.eer:.2f}", between(sure.eer, 100, 2)
    for name, share in (
        ("rank 1", rates.retrieval.rank1),
        ("mAP", rates.retrieval.mean_average_precision),
    ):
        yield name, f"{share.value:.3f}", between(share.interval, 1, 3)
    for misses in rates.identification.misses:
        name = f"FNIR at FPIR {misses.fpir:g}"
        if misses.fnir is None:
            given = rates.identification.unenrolled
            yield name, "-", f"needs {misses.unenrolled_needed:,} people with a single photo, has {given:,}"
        else:
            yield name, f"{misses.fnir:.3f}", between(misses.interval, 1, 3)


def _photos(photos: Folder, found: FolderVectors) -> str:
    failed = ", ".join(f"{reason} {count:,}" for reason, count in found.failed.items())
    people = len(set(photos.people))
    return f"{len(photos.photos):,} photos of {people:,} people" + (f" ({failed})" if failed else "")
