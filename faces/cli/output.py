"""What the commands print: results on standard output; progress, notes and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer
from elasticsearch import ApiError, TransportError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from es_setup.connection import ConnectionFailed, innermost_reason
from es_setup.models import MixedModels
from faces.calibration.record import Calibration
from faces.indexing.outcomes import IndexingCounts
from faces.searching import Match
from ingest_service.errors import UserError
from ingest_service.verdicts import UNCALIBRATED

PLAIN = bool(os.environ.get("NO_COLOR"))
"""Whether a terminal, too, gets text without escape sequences."""


def console(stderr: bool) -> Console:
    # Without a terminal tables are wide enough to show every value in full.
    width = None if stderr or sys.stdout.isatty() else 250
    terminal = False if PLAIN else None
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=width, force_terminal=terminal)


out = console(stderr=False)
err = console(stderr=True)
notes = console(stderr=True)
"""Progress and notes, which `-q` silences."""


def indexing_summary(counts: IndexingCounts) -> str:
    """One line with what the index has of these photos: photos, with faces, faces, unreadable, not stored."""
    text = f"{counts.stored} photos indexed, {counts.with_faces} with faces, {counts.faces} faces"
    if counts.unreadable:
        text += f", {counts.unreadable} unreadable (stored with their error)"
    return text + (f", {counts.not_stored} not stored" if counts.not_stored else "")


def print_matches(matches: list[Match]) -> None:
    calibrated = any(match.calibration for match in matches)
    columns = ["", "photo", "person", "similarity", "verdict", *(["probability"] if calibrated else [])]
    table = Table(*columns, box=None, header_style="dim")
    for match in matches:
        cells = [str(match.rank), match.path, match.name or "-", f"{match.similarity:.3f}", match.verdict]
        table.add_row(*cells, *([chance(match.probability)] if match.probability is not None else []))
    out.print(table if matches else "no match")


def chance(probability: float) -> str:
    """A probability with two digits, and never 0 or 1."""
    if probability > 0.99:
        return "> 0.99"
    return "< 0.01" if probability < 0.01 else f"{probability:.2f}"


def verdicts(calibration: Calibration | None) -> str:
    """The thresholds of the verdicts."""
    if calibration is None:
        strong, possible = UNCALIBRATED.strong, UNCALIBRATED.possible
        return f"strong from {strong:.2f}, possible from {possible:.2f}, unlikely below; not calibrated"
    strong, possible = calibration.thresholds.strong, calibration.thresholds.possible
    between = f", possible from {possible:.3f}" if possible < strong else ""
    return f"strong from {strong:.3f}{between}, unlikely below; calibrated {calibration.made.isoformat()}"


def meaning(calibration: Calibration) -> str:
    """The thresholds of the verdicts, what they mean, and the data they are based on."""
    strong, possible = calibration.thresholds.strong, calibration.thresholds.possible
    even = f"possible from {possible:.3f}: 50 % likely to be the same person (even prior odds); "
    return (
        f"strong from {strong:.3f}: at most {percent(calibration.fpir)} of searches for unenrolled people "
        f"over {faces(calibration.gallery_size)} return someone; {even if possible < strong else ''}"
        f"unlikely below; calibrated {calibration.made.isoformat()} on {calibration.photos:,} photos of "
        f"{calibration.people:,} people"
    )


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def faces(count: int) -> str:
    return f"{count:,} face" + ("" if count == 1 else "s")


def tracked(results: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """Passes ``results`` on, and shows a progress bar on standard error."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task(what, total=total)
        for result in results:
            progress.advance(task)
            yield result


@contextmanager
def busy() -> Iterator[Callable[[str], None]]:
    """Yields a ``say`` that also shows its message beside a moving bar: for steps of unknown length, such as
    downloads and builds."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        task = progress.add_task("preparing", total=None)

        def step(message: str) -> None:
            say(message)
            progress.update(task, description=message.partition(":")[0])

        yield step


def check_can_write(*files: Path | None) -> None:
    """Fails with status 2 if a file can't be written, before the work rather than after it."""
    for file in files:
        if file and (file.is_dir() or not file.resolve().parent.is_dir()):
            fail(f"{file} can't be written: it is a folder, or its folder doesn't exist", status=2)


def say(message: str) -> None:
    """Prints progress or a note; errors go to `fail`."""
    notes.print(message, markup=False)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def fail(message: str, status: int = 1) -> NoReturn:
    err.print(f"error: {message}", markup=False)
    raise typer.Exit(status)


@contextmanager
def explained() -> Iterator[None]:
    """Ends the command with a message and status 1, without a traceback, on a failure that a user can fix."""
    try:
        yield
    except (UserError, OSError) as error:
        fail(str(error))
    except (ApiError, TransportError) as error:
        fail(explain(error, "ES_URL"))


def explain(error: ApiError | TransportError | ConnectionFailed | MixedModels, where: str) -> str:
    if isinstance(error, ConnectionFailed | MixedModels):
        return str(error)
    if isinstance(error, ApiError):
        # A block, such as that of a read-only index, is a 403 too.
        if error.status_code in (401, 403) and error.error != "cluster_block_exception":
            return f"Elasticsearch refuses ({error.status_code}): set ES_API_KEY, or ES_USER and ES_PASSWORD"
        return innermost_reason(error)
    return f"Elasticsearch doesn't answer ({type(error).__name__}): check {where}, and that it is running"
