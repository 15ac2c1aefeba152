"""The command `faces worker`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from elasticsearch import ApiError, TransportError

from es_setup.connection import Connection
from es_setup.shipped_files import ALIASES
from faces.cli.options import connected
from faces.cli.output import counted, err, explained, out, print_json_line, say, tracked
from faces.indexing.remedies import remedy
from faces.working.keeping import Manner, keep_working
from faces.working.leases import Leases
from faces.working.worker import Outcome, Worked, WorkedCounts, Worker
from ingest_service.errors import UserError

PATIENCE, PATIENCE_ONCE = 600.0, 120.0


@connected
def worker_command(
    connection: Connection,
    indices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INDEX]...",
            help="indices or aliases; default: faces, face-gallery and face-probes. Attached ones by name",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="end when no document waits, as for cron")] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, help="seconds between looks while no document waits")
    ] = 5.0,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="documents in hand at the same time")] = 16,
    patience: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="seconds for which the service or Elasticsearch may be away; default: 600, with --once 120",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print a line of JSON for each document, and one with the counts")
    ] = False,
) -> None:
    """Give faces to documents that wait for them: those with a photo and neither `model.id` nor an error, as
    they are stored where no node has the plugin. Several can run at once. Ctrl-C ends after the photos in
    hand; pressed again, at once. Needs the service.
    """
    wait = (PATIENCE_ONCE if once else PATIENCE) if patience is None else patience
    counts = WorkedCounts()
    with explained(), _stopping() as stopped:
        es = connection.elasticsearch()
        worker = Worker(es, connection.service(), indices or list(ALIASES), Leases(es), at_once)
        results = keep_working(worker, Manner(once, interval, wait), stopped, say)
        try:
            for worked in tracked(results, None, "finding faces", "photos"):
                counts.add(worked)
                _report(worked, as_json)
        except KeyboardInterrupt:
            pass
        except (UserError, ApiError, TransportError):
            _finish(counts, as_json)
            raise
        _finish(counts, as_json)
        if stopped():
            raise typer.Exit(130)
        if worker.held:
            left = counted(worker.held, "document")
            say(f"{left} left to another worker, or to the next run if that one was killed")
    if counts.outcomes[Outcome.REFUSED]:
        raise typer.Exit(1)


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM, SIGHUP or Ctrl-C came; a second one ends what is done at once."""
    came: list[int] = []

    def note(number: int, _: object) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        say("stopping after the photos in hand")

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(worked: Worked, as_json: bool) -> None:
    if as_json:
        print_json_line(worked.as_json())
    elif worked.reason:
        code = f"[{worked.code}] " if worked.code else ""
        err.print(f"{worked.index}/{worked.id}: {code}{worked.reason}")


def _finish(counts: WorkedCounts, as_json: bool) -> None:
    if as_json:
        print_json_line(counts.as_json())
        return
    for code, number in counts.errors.most_common():
        say(f"{number} with {code}: {remedy(code)}")
    first, *others = Outcome
    told = [f"{counts.outcomes[first]} {first.value} ({counted(counts.faces, 'face')})"]
    told += [f"{counts.outcomes[outcome]} {outcome.value}" for outcome in others]
    out.print(", ".join(told))
