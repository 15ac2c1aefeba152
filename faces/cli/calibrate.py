"""The command `faces calibrate`."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer
from elasticsearch import Elasticsearch
from rich.table import Table

from es_setup.connection import Connection, without_password
from faces import labelled_photos
from faces.calibration.indices import (
    SEARCHED,
    Places,
    faces_in,
    judgements,
    listed,
    places,
    searched_faces,
    store,
)
from faces.calibration.measure import Measured, measure, require_enough
from faces.calibration.record import Calibration
from faces.cli.options import FolderArgument, JsonFlag, connected
from faces.cli.output import (
    chance,
    counted,
    err,
    explain,
    explained,
    fail,
    meaning,
    out,
    print_json,
    tracked,
)
from faces.cli.servers import stopped_by_signals
from faces.error_rates.interval import Interval
from faces.photo_vectors import embed

SHOWN = (0.4, 0.5, 0.6, 0.7)
"""Similarities whose probability is printed."""


@connected
def calibrate(
    connection: Connection,
    folder: FolderArgument,
    fpir: Annotated[
        float, typer.Option(help="allowed share of searches for unenrolled people that return someone")
    ] = 0.01,
    gallery_size: Annotated[
        int | None,
        typer.Option(min=1, help="number of faces searched; default: as many as are indexed now"),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            help="only this index, or the indices behind this alias; default: all with the service's model"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="store nothing")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Choose thresholds from labelled photos, for a stated rate of false hits.

    FOLDER has a folder for each person with that person's photos, as in LFW. If there are too few photos or
    people for the rate, nothing is stored, and the message says how many more are needed. Needs the service.
    """
    if not 0 < fpir < 1:
        fail(f"--fpir is [{fpir:g}], not above 0 and below 1, such as 0.01", status=2)
    if index is not None and not index.strip():
        fail("--index is empty: name an index or alias, or leave it out for all of the model", status=2)
    with explained(), stopped_by_signals():
        photos = labelled_photos.read(folder)
        es, service = connection.elasticsearch(), connection.service()
        model = service.model().id
        where = places(es, model, index)
        size = gallery_size or _faces_now(es, index)
        require_enough(photos, fpir, size)
        with closing(embed(service, model, photos.photos)) as embedded:
            each = list(tracked(embedded, len(photos.photos), "finding faces"))
        measured = measure(photos, each, model, fpir, size)
        # By now there may be another index, or one may have another model.
        where = places(es, model, index)
        if not as_json:
            _print(measured, where if dry_run else None)
        kept, refused = [], {}
        before = {f"/{name}/_mapping": judged.calibration for name, judged in judgements(es).items()}
        for path, problem in [] if dry_run else store(es, measured.calibration, where):
            if problem:
                refused[path] = explain(problem, without_password(connection.es_url))
                err.print(f"error: PUT {path}: {refused[path]}")
            else:
                kept.append(path)
                if not as_json:
                    out.print(f"PUT {path}: calibration stored{_instead_of(before.get(path))}")
    if kept and not as_json:
        thresholds = measured.calibration.thresholds
        out.print(
            f"probes searched against these galleries match from {thresholds.strong:.3f}, with candidates "
            f"from {thresholds.possible:.3f}; `faces dashboards install` updates the boards"
        )
    if as_json:
        print_json(_as_json(measured) | {"stored": kept, "not_stored": refused})
    raise typer.Exit(1 if refused else 0)


def _instead_of(before: Calibration | None) -> str:
    """The calibration that was replaced, so that a change for the worse is seen."""
    if before is None:
        return ""
    return f" (replaced: {before.made}, {before.photos:,} photos of {before.people:,} people)"


def _faces_now(es: Elasticsearch, index: str | None) -> int:
    count = searched_faces(es) if index is None else faces_in(es, index)
    if not count:
        names = SEARCHED if index is None else (index,)
        fail(
            f"no faces yet in {listed(names)}: set --gallery-size to the number of faces to search",
            status=2,
        )
    return count


def _print(measured: Measured, dry: Places | None) -> None:
    """
    Args:
        dry: in a dry run, where it would be stored.
    """
    found, made = measured.threshold, measured.calibration
    table = Table.grid(padding=(0, 2))
    for row in (
        # As recorded, so that every line rounds the same number.
        ("similarity", f"{made.similarity:.3f}", _between(found.interval)),
        (
            "FPIR",
            f"{found.fpir:.3g}",
            f"{_between(found.fpir_interval)}, over {counted(found.gallery_size, 'face')}",
        ),
        ("FNIR", f"{made.fnir:.3g}", _between(found.fnir_interval)),
        *((f"probability at {similarity}", chance(made.probability(similarity)), "") for similarity in SHOWN),
    ):
        table.add_row(*row)
    out.print(table)
    out.print(f"verdicts: {meaning(made)}")
    if made.probability(made.similarity) < 0.5:
        out.print(
            f"note: at {made.similarity:.3f} two photos more likely show different people, because the "
            "allowed rate is so high. Lower --fpir, or add people"
        )
    why = ", ".join(f"{reason} {count:,}" for reason, count in measured.vectors.failed.items())
    out.print(
        f"{found.photos:,} photos of {found.people:,} people, {found.failed:,} failed{why and f' ({why})'}; "
        f"based on about {found.false_hits:,.0f} false hits (effective sample: {found.independent:,.0f})"
    )
    if dry:
        out.print(f"nothing stored; without --dry-run: PUT {', '.join(dry.paths)}")


def _as_json(measured: Measured) -> dict[str, Any]:
    found, made = measured.threshold, measured.calibration
    return {
        "calibration": made.as_meta(),
        "intervals": {
            "similarity": _ends(found.interval),
            "fpir": _ends(found.fpir_interval),
            "fnir": _ends(found.fnir_interval),
        },
        "probability": {str(similarity): round(made.probability(similarity), 4) for similarity in SHOWN},
        "thresholds": {"strong": made.thresholds.strong, "possible": round(made.thresholds.possible, 4)},
        "failed": found.failed,
        "no_face": measured.vectors.no_face,
        "unreadable": measured.vectors.unreadable,
        "expected_false_hits": round(found.false_hits, 1),
        "independent_false_hits": round(found.independent, 1),
    }


def _between(interval: Interval) -> str:
    return f"({interval.low:.3g} to {interval.high:.3g})"


def _ends(interval: Interval) -> list[float]:
    return [round(interval.low, 4), round(interval.high, 4)]
