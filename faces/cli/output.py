"""What the commands print: results on standard output; progress, notes and errors on standard error."""

from __future__ import annotations

import json
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

from es_setup.connection import ConnectionFailed, innermost_reason, is_elasticsearch, without_password
from es_setup.failures import reason
from es_setup.models import MixedModels
from faces.calibration.record import Calibration
from faces.cli.options import USED
from faces.indexing.outcomes import IndexingCounts
from faces.shown.printable import printable
from faces.shown.terminal import PlainConsole
from ingest_service.errors import UserError
from ingest_service.verdicts import UNCALIBRATED

out = PlainConsole(stderr=False)
err = PlainConsole(stderr=True)
notes = PlainConsole(stderr=True)
"""Progress and notes, which `-q` silences."""


def indexing_summary(counts: IndexingCounts) -> str:
    """One line with the counts, in the order photos, with faces, faces, unreadable, not stored."""
    text = f"{counts.stored} photos indexed, {counts.with_faces} with faces, {counts.faces} faces"
    if counts.unreadable:
        text += f", {counts.unreadable} unreadable (stored with their error)"
    return text + (f", {counts.not_stored} not stored" if counts.not_stored else "")


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
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task(printable(what), total=total)
        for result in results:
            progress.advance(task)
            yield result


@contextmanager
def busy() -> Iterator[Callable[[str], None]]:
    """Yields a ``say`` that also shows its message beside a moving bar: for steps of unknown length, such as
    downloads and builds."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, transient=True) as progress:
        task = progress.add_task("preparing", total=None)

        def step(message: str) -> None:
            say(message)
            progress.update(task, description=printable(message.partition(":")[0]))

        yield step


def print_lines(text: str) -> None:
    """Prints text of our own, which may have several lines, as a result."""
    for line in text.split("\n"):
        out.print(line)


def check_can_write(*files: Path | None) -> None:
    """Fails with status 2 if a file can't be written, before the work rather than after it."""
    for file in files:
        if file and (file.is_dir() or not file.resolve().parent.is_dir()):
            fail(f"{file} can't be written: it is a folder, or its folder doesn't exist", status=2)


def say(message: str) -> None:
    """Prints progress or a note; errors go to `fail`."""
    _print_indented(notes, message)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def fail(message: str, status: int = 1) -> NoReturn:
    _print_indented(err, f"error: {message}")
    raise typer.Exit(status)


def refuse_both(overwrite: bool, keep_edited: bool) -> None:
    """Ends the command if it is told to replace what somebody changed, and to keep it."""
    if overwrite and keep_edited:
        fail("give either --overwrite or --keep-edited", status=2)


def _print_indented(where: Console, message: str) -> None:
    """Prints a message. Further lines are indented, so that a name with a line break can't pass for another
    message."""
    first, *others = message.split("\n")
    for line in (first, *(f"  {line}" for line in others)):
        where.print(line)


@contextmanager
def explained() -> Iterator[None]:
    """Ends the command with a message and status 1, without a traceback, on a failure that a user can fix."""
    try:
        yield
    except (UserError, OSError) as error:
        fail(str(error))
    except (ApiError, TransportError) as error:
        fail(explain(error, _es_url()))


def explain(error: ApiError | TransportError | ConnectionFailed | MixedModels, url: str) -> str:
    """What is wrong and what to do about it.

    Args:
        url: Elasticsearch's address, without a password; empty if it isn't known.
    """
    if isinstance(error, ConnectionFailed | MixedModels):
        return str(error)
    at = f" at {url}" if url else ""
    if isinstance(error, TransportError):
        return f"no Elasticsearch{at} ({reason(error)}): start it, or set ES_URL" + _authority(error)
    # A block, such as that of a read-only index, is a 403 too.
    if error.status_code in (401, 403) and error.error != "cluster_block_exception":
        refused = f"Elasticsearch{at} refuses ({error.status_code}, {innermost_reason(error)})"
        return f"{refused}: set ES_API_KEY, or ES_USER and ES_PASSWORD"
    if not is_elasticsearch(error):
        return f"what answers{at} (status {error.status_code}) isn't Elasticsearch: set ES_URL to its address"
    return innermost_reason(error)


def _authority(error: TransportError) -> str:
    return " and ES_CA_CERTS" if "certificate" in reason(error) else ""


def _es_url() -> str:
    """The address that the running command was given."""
    connection = USED.get()
    return without_password(connection.es_url) if connection else ""
