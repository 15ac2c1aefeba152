"""The command `faces retry`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from elasticsearch import ApiError, TransportError

from es_setup.connection import Connection
from faces.cli.index_report import listed
from faces.cli.options import IndexOption, JsonFlag, connected
from faces.cli.output import counted, err, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.indexing.failed_documents import FailedDocuments
from faces.indexing.remedies import remedy
from faces.indexing.trying_again import WORTH_ANOTHER_TRY, Result, TriedCounts, try_again
from faces.searchable import searchable
from ingest_service.errors import UserError

CodeOption = Annotated[
    list[str] | None,
    typer.Option("--code", metavar="CODE", help="only documents with this error; may be given several times"),
]


@connected
def retry(
    connection: Connection,
    index: IndexOption = "faces",
    code: CodeOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="every error, also one that is the photo's own")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count by error, and try nothing")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Try photos again whose documents have an error that may be gone, such as `unavailable`: the photos that
    the documents kept. Needs the plugin and its service; without the plugin the service alone.
    """
    with explained(), stopped_by_signals():
        if every and code:
            fail("give either --all or --code", status=2)
        es = connection.elasticsearch()
        where = searchable(es, index)
        any_error = FailedDocuments(es, where)
        any_error.require_known(code or ())
        wanted = FailedDocuments(es, where, None if every else set(code or WORTH_ANOTHER_TRY))
        by_code = wanted.by_code()
        others = {} if every else without(any_error.by_code(), by_code)
        if dry_run:
            _print_plan(by_code, others, as_json)
            return
        counts = TriedCounts()
        with _finished(counts, others, as_json):
            results = try_again(es, wanted, connection.service())
            for tried in tracked(results, sum(by_code.values()), "trying again", "photos"):
                counts.add(tried)
                if tried.result is Result.STILL:
                    err.print(f"{tried.document.name}: [{tried.code}] {tried.reason}")
    if counts.results[Result.STILL] or counts.results[Result.CHANGED]:
        raise typer.Exit(1)


@contextmanager
def _finished(counts: TriedCounts, others: dict[str, int], as_json: bool) -> Iterator[None]:
    """Prints the counts at the end, also where the run breaks off, unless it hadn't begun."""
    try:
        yield
    except (KeyboardInterrupt, UserError, ApiError, TransportError) as error:
        if counts.results or isinstance(error, KeyboardInterrupt):
            _print(counts, others, as_json)
            say("not all were tried: run the same command again, which tries the others")
        raise
    _print(counts, others, as_json)


def _print(counts: TriedCounts, others: dict[str, int], as_json: bool) -> None:
    if as_json:
        print_json(counts.as_json() | {"not_tried": others})
        return
    for code, number in counts.still.most_common():
        out.print(f"{number} still failing with {code}: {remedy(code)}")
    if others:
        say(f"not tried: {listed(others)} (--code CODE or --all tries them, `faces discard` deletes them)")
    out.print(", ".join(f"{counts.results[result]} {result.value}" for result in Result))


def _print_plan(by_code: dict[str, int], others: dict[str, int], as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, "by_code": by_code, "not_tried": others})
        return
    for code, number in by_code.items():
        out.print(f"{number} {code}")
    if others:
        say(f"not to be tried: {listed(others)}")
    out.print(f"would try {counted(sum(by_code.values()), 'document')} again")


def without(every: dict[str, int], wanted: Collection[str]) -> dict[str, int]:
    return {code: number for code, number in every.items() if code not in wanted}
