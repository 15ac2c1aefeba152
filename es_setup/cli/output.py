"""What the commands print: progress and errors on standard error, results on standard output."""

from __future__ import annotations

import json
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

from es_setup import demo as demos
from es_setup.attach import AttachError
from es_setup.connection import ConnectionFailed
from es_setup.engine import EngineError
from es_setup.indexing import NoPipeline
from es_setup.install import InstallError
from es_setup.models import MixedModels
from es_setup.searching import Match, NoFaces
from ingest_service.verdicts import POSSIBLE, STRONG
from ingest_service.weights import WeightsError
from kibana.client import KibanaError

# Where no terminal says how wide it is, nothing is cut off.
WIDE = None if sys.stdout.isatty() else 250
out = Console(highlight=False, soft_wrap=True, width=WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

VERDICTS = f"strong from {STRONG:.2f}, possible from {POSSIBLE:.2f}, unlikely below; not calibrated"


def summary(tally: demos.Tally) -> str:
    """One line: what was indexed, and what couldn't be."""
    text = f"{tally.photos} photos indexed, {tally.with_faces} with faces, {tally.faces} faces"
    if tally.unreadable:
        text += f", {tally.unreadable} unreadable (kept with their error)"
    return text + (f", {tally.not_stored} not stored" if tally.not_stored else "")


def print_matches(matches: list[Match]) -> None:
    table = Table("", "photo", "person", "similarity", "verdict", box=None, header_style="dim")
    for match in matches:
        table.add_row(
            str(match.rank), match.path, match.name or "-", f"{match.similarity:.3f}", match.verdict
        )
    out.print(table if matches else "no match")


def tracked(results: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """Passes ``results`` on beneath a progress bar, on standard error."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=total)
        for result in results:
            progress.advance(task)
            yield result


@contextmanager
def busy() -> Iterator[Callable[[str], None]]:
    """Yields a ``say`` whose last word stands beside a moving bar while the next step runs: downloads, builds
    and starts, of which nobody knows how long they take."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("preparing", total=None)

        def step(message: str) -> None:
            say(message)
            progress.update(task, description=message.partition(":")[0])

        yield step


def check_can_write(*files: Path | None) -> None:
    """Before the work, not after it."""
    for file in files:
        if file and (file.is_dir() or not file.resolve().parent.is_dir()):
            fail(f"{file} can't be written: it is a folder, or its folder doesn't exist", status=2)


def say(message: str) -> None:
    err.print(message, markup=False)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def fail(message: str, status: int = 1) -> NoReturn:
    err.print(f"error: {message}", markup=False)
    raise typer.Exit(status)


@contextmanager
def explained() -> Iterator[None]:
    """A known failure ends the command with one message that says what to do, and no traceback."""
    try:
        yield
    except (
        EngineError,
        WeightsError,
        InstallError,
        AttachError,
        NoPipeline,
        MixedModels,
        NoFaces,
        ConnectionFailed,
        KibanaError,
        demos.DemoError,
        OSError,
    ) as error:
        fail(str(error))
    except (ApiError, TransportError) as error:
        fail(explain(error, "ES_URL"))


def explain(error: ApiError | TransportError | ConnectionFailed | MixedModels, where: str) -> str:
    if isinstance(error, ConnectionFailed | MixedModels):
        return str(error)
    if isinstance(error, ApiError):
        if error.status_code in (401, 403):
            return f"Elasticsearch refuses ({error.status_code}): set ES_API_KEY, or ES_USER and ES_PASSWORD"
        return demos.reason(error)
    return f"Elasticsearch doesn't answer ({type(error).__name__}): is {where} right, and is it running?"
