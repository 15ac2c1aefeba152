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
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from es_setup.connection import ConnectionFailed, innermost_reason, without_password
from es_setup.failures import is_elasticsearch, reason
from es_setup.models import MixedModels
from es_setup.shipped_files import no_such_index
from faces.calibration.indices import Shared
from faces.calibration.record import Calibration
from faces.cli.options import USED
from faces.indexing.outcomes import IndexingCounts
from faces.refused import BLOCK, DISK, blocked
from faces.shown.printable import printable
from faces.shown.terminal import PlainConsole
from ingest_service.errors import UserError, WrongArguments

out = PlainConsole(stderr=False)
err = PlainConsole(stderr=True)
notes = PlainConsole(stderr=True)
"""Progress and notes, which `-q` silences."""

NOT_ACCEPTABLE = 406
"""What Elasticsearch answers if it doesn't know the media type of our client, which is newer."""


def indexing_summary(counts: IndexingCounts) -> str:
    """One line with the counts, in the order photos, with faces, faces, unreadable, not stored."""
    photos, faces = counted(counts.stored, "photo"), counted(counts.faces, "face")
    text = f"{photos} indexed, {counts.with_faces:,} with faces, {faces}"
    if counts.unreadable:
        text += f", {counts.unreadable} unreadable (stored with their error)"
    return text + (f", {counts.not_stored} not stored" if counts.not_stored else "")


def chance(probability: float) -> str:
    """A probability with two digits, and never 0 or 1."""
    if probability > 0.99:
        return "> 0.99"
    return "< 0.01" if probability < 0.01 else f"{probability:.2f}"


def verdicts(judged: Shared) -> str:
    """The thresholds of the verdicts."""
    calibration = judged.calibration
    if calibration is None:
        return f"{judged.thresholds.words}, unlikely below; not calibrated"
    strong, possible = calibration.thresholds.strong, calibration.thresholds.possible
    between = f", possible from {possible:.3f}" if possible < strong else ""
    return f"strong from {strong:.3f}{between}, unlikely below; calibrated {calibration.made.isoformat()}"


def meaning(calibration: Calibration) -> str:
    """The thresholds of the verdicts, what they mean, and the data they are based on."""
    strong, possible = calibration.thresholds.strong, calibration.thresholds.possible
    even = f"possible from {possible:.3f}: 50 % likely to be the same person (even prior odds); "
    return (
        f"strong from {strong:.3f}: at most {percent(calibration.fpir)} of searches for unenrolled people "
        f"over {counted(calibration.gallery_size, 'face')} return someone; "
        f"{even if possible < strong else ''}"
        f"unlikely below; calibrated {calibration.made.isoformat()} on {calibration.photos:,} photos of "
        f"{calibration.people:,} people"
    )


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def counted(count: int, what: str) -> str:
    """Such as ``1 face`` and ``2 faces``."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


class RateColumn(ProgressColumn):
    """How many of the ``unit`` are done in a second, since the start: results come by batches, all of one at
    once."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        return Text(f"{task.completed / seconds:.1f} {self._unit}/s" if task.completed and seconds else "")


def tracked(results: Iterable[Any], total: int | None, what: str, unit: str | None = None) -> Iterator[Any]:
    """Passes ``results`` on, and shows a progress bar with the time left on standard error.

    Args:
        total: how many they are, if that is known.
        unit: also show how many of these, such as ``photos``, are done in a second.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        *([RateColumn(unit)] if unit else []),
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


def print_json_line(value: object) -> None:
    """One of several, each on a line of its own."""
    typer.echo(json.dumps(value))


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
    """Ends the command with a message and status 1, without a traceback, on a failure that a user can fix;
    with status 2 if that is in its arguments."""
    try:
        yield
    except WrongArguments as error:
        fail(str(error), status=2)
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
    if error.status_code == NOT_ACCEPTABLE:
        return f"Elasticsearch{at} is too old: photos need 8.19 or newer, see docs/install.md"
    if not is_elasticsearch(error):
        return f"what answers{at} (status {error.status_code}) isn't Elasticsearch: set ES_URL to its address"
    missing = error.error == "index_not_found_exception"
    return no_such_index(error.body["error"]["index"]) if missing else _told(error)


def _told(error: ApiError) -> str:
    """Elasticsearch's reason, with the remedy where its disk is full."""
    why = innermost_reason(error)
    return blocked(why) if error.error == BLOCK and DISK.search(why) else why


def _authority(error: TransportError) -> str:
    return " and ES_CA_CERTS" if "certificate" in reason(error) else ""


def _es_url() -> str:
    """The address that the running command was given."""
    connection = USED.get()
    return without_password(connection.es_url) if connection else ""
