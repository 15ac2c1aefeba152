"""The command `faces index`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from elasticsearch import ApiError, TransportError

from es_setup.connection import Connection
from es_setup.shipped_files import ARCHIVE, GALLERY
from faces.cli.index_report import IndexReport, listed
from faces.cli.options import JsonFlag, Labels, connected
from faces.cli.output import check_can_write, counted, explained, fail, print_json, say, tracked
from faces.cli.prune import Prune
from faces.cli.servers import stopped_by_signals
from faces.indexing.failures_file import FORMS as FAILURE_FORMS
from faces.indexing.indexing import How, index_photos
from faces.indexing.outcomes import IndexedPhoto
from faces.photo_folders.reading import SkippedFile, read_folder, reasons
from faces.photo_lists.listed import PhotoList
from faces.photo_lists.rows import FORMS, Form, read_rows
from faces.photos import PhotoFile, link_to, sent
from faces.shown.printable import printable
from ingest_service.errors import UserError

STANDARD_INPUT = Path("-")
PIECE = 1 << 20


@connected
def index_command(
    connection: Connection,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|LIST|-",
            help="a folder of photos, a list of photos as CSV or NDJSON, or - for a list on standard input",
        ),
    ],
    labels: Labels = None,
    index: Annotated[
        str | None, typer.Option(help="index or alias; default: faces, with --enroll face-gallery")
    ] = None,
    enroll: Annotated[
        bool, typer.Option("--enroll", help="the photos are portraits, for the gallery: a name for each")
    ] = False,
    form: Annotated[
        Form | None, typer.Option("--format", help="of a list; default: as the file's name ends")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="the folder that a list's paths are relative to, and that its photos must be in; default: "
            "the list's own, of standard input the current one",
        ),
    ] = None,
    url_prefix: Annotated[
        str | None, typer.Option(help="the address of FOLDER: each photo's own is stored in url.original")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="a file that was changed since it was indexed takes the place of its old content",
        ),
    ] = False,
    include_all: Annotated[
        bool,
        typer.Option(
            "--include-all", help="also hidden files, folders that programs made, edited copies and links"
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="read the photos and ask the index, and send nothing")
    ] = False,
    failures: Annotated[
        Path | None,
        typer.Option(help="write the photos that failed, each with what to do, to this .csv or .ndjson file"),
    ] = None,
    list_skipped: Annotated[
        bool, typer.Option("--list-skipped", help="name each file that is skipped, and why")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="then delete the documents whose photo is no longer there; shows them first"
        ),
    ] = False,
    prune_only: Annotated[
        bool, typer.Option("--prune-only", help="index nothing, and do what --prune does")
    ] = False,
    prune_named: Annotated[
        bool,
        typer.Option(
            "--prune-named", help="also documents in which people said something (names, tags, own fields)"
        ),
    ] = False,
    prune_all: Annotated[
        bool,
        typer.Option(
            "--prune-all",
            help="also if more than half are gone, or a folder is empty, as where a share isn't mounted",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="with --prune: don't ask")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Index every photo of a folder or a list. A photo that the index has, under whatever name, isn't sent
    again. Needs the plugin and its service; without the plugin the service alone. --prune-only needs
    Elasticsearch alone.
    """
    with explained(), stopped_by_signals(), ExitStack() as files:
        _check(source, form, root, url_prefix, failures)
        name = index or (GALLERY if enroll else ARCHIVE)
        below = source if source.is_dir() else root or _folder_of(source)
        asked = Prune(name, below, url_prefix, bool(labels), prune_named, prune_all, yes, dry_run, as_json)
        pruning = asked if prune or prune_only else None
        _check_pruning(pruning, source, prune_only, prune_named or prune_all or yes)
        es = connection.elasticsearch()
        if pruning and prune_only:
            pruning.run_alone(es)
            return
        if source.is_dir():
            found = _in_folder(source, bool(labels), include_all, url_prefix, pruning)
        else:
            stream = sys.stdin.buffer if source == STANDARD_INPUT else files.enter_context(source.open("rb"))
            reading = PhotoList(below, bool(labels), url_prefix)
            photos = reading.photos(read_rows(stream, form or FORMS[source.suffix.lower()]))
            found = _Found(photos, _lines(source))
        report = IndexReport(found.skipped, failures, dry_run)
        for folder in found.unreadable_folders:
            report.add_unreadable_folder(folder)
        how = How(replace, enroll, dry_run)
        outcomes = index_photos(es, found.photos, name, how, connection.service())
        with _finished(report, list_skipped, as_json):
            for indexed in tracked(outcomes, found.total, "indexing", "photos"):
                report.add(indexed)
        if not report.counts.outcomes.total() and not prune_all:
            fail(f"no photos in [{printable(str(source))}]")
        pruned: dict[str, Any] = {}
        is_done = True
        if pruning:
            of_folder = [one for one in found.photos if isinstance(one, PhotoFile)] if source.is_dir() else []
            pruned, is_done = pruning.run(es, report.counts.keys, of_folder)
        if as_json:
            print_json(report.as_json() | ({"prune": pruned} if pruning else {}))
    counts = report.counts
    unfit = counts.unreadable if enroll else 0
    if counts.not_stored or counts.not_named or unfit or found.unreadable_folders or not is_done:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Found:
    """total: how many photos there are, if that is known."""

    photos: Iterable[PhotoFile | IndexedPhoto]
    total: int | None
    skipped: list[SkippedFile] = field(default_factory=list)
    unreadable_folders: list[str] = field(default_factory=list)


def _in_folder(
    folder: Path, labels: bool, include_all: bool, url_prefix: str | None, pruning: Prune | None
) -> _Found:
    found = read_folder(folder, labels, include_all)
    if not found.photos and not (pruning and pruning.everything):
        why = listed(reasons(found.skipped))
        for unreadable in found.unreadable_folders:
            say(f"{unreadable}: the folder can't be read")
        fail(
            f"no photos below {folder}"
            + (f": skipped {why}; --include-all takes what is a photo" * bool(why))
            + ". Nothing was deleted: is it mounted? --prune-all deletes the documents of them all"
            * bool(pruning)
        )
    photos: list[PhotoFile | IndexedPhoto] = list(found.photos)
    if url_prefix:
        photos = [
            sent(photo, fields={"url.original": link_to(url_prefix, photo.path.relative_to(folder))})
            for photo in found.photos
        ]
    return _Found(photos, len(photos), found.skipped, found.unreadable_folders)


@contextmanager
def _finished(report: IndexReport, list_skipped: bool, as_json: bool) -> Iterator[None]:
    """Prints the counts at the end, also where the run breaks off, unless it hadn't begun. As JSON they are
    printed here only where it breaks off."""
    try:
        yield
    except (KeyboardInterrupt, UserError, OSError, ApiError, TransportError) as error:
        # A batch may be stored whose outcomes aren't known yet.
        if report.began or isinstance(error, KeyboardInterrupt):
            report.finish(list_skipped, as_json)
            if as_json:
                print_json(report.as_json())
            say(
                f"stored: at least {counted(report.counts.stored, 'photo')}; not all were looked at: run the "
                "same command again, which sends the others"
            )
        else:
            report.close()
        raise
    report.finish(list_skipped, as_json)


def _check(
    source: Path, form: Form | None, root: Path | None, url_prefix: str | None, failures: Path | None
) -> None:
    """Refuses options that don't fit, with status 2."""
    named = f"[{printable(str(source))}]"
    if source != STANDARD_INPUT and not source.exists():
        fail(f"there is neither a folder nor a list {named}", status=2)
    is_folder = source.is_dir()
    if is_folder and (form or root):
        fail(f"--format and --root are for lists, and {named} is a folder", status=2)
    if not is_folder and form is None and source.suffix.lower() not in FORMS:
        fail(f"is {named} CSV or NDJSON? Give --format csv or --format ndjson", status=2)
    if url_prefix is not None:
        try:
            address = urlsplit(url_prefix)
        except ValueError:
            address = urlsplit("")
        if address.scheme not in ("http", "https") or not address.netloc:
            fail("--url-prefix needs an address such as https://photos.example.org/", status=2)
    if failures and failures.suffix.lower() not in FAILURE_FORMS:
        fail(f"--failures: the file's name must end with one of {', '.join(FAILURE_FORMS)}", status=2)
    check_can_write(failures)


def _check_pruning(pruning: Prune | None, source: Path, alone: bool, has_options: bool) -> None:
    """Refuses options that don't fit, with status 2."""
    if pruning is None:
        if has_options:
            fail("--prune-named, --prune-all and --yes go with --prune or --prune-only", status=2)
        return
    if alone and not source.is_dir():
        fail(f"--prune-only is for folders, and [{printable(str(source))}] isn't one", status=2)
    if source == STANDARD_INPUT and not (pruning.yes or pruning.dry_run):
        fail("the list is read from standard input, where nobody can be asked: give --yes", status=2)
    pruning.check()


def _folder_of(source: Path) -> Path:
    return Path() if source == STANDARD_INPUT else source.parent


def _lines(source: Path) -> int | None:
    """About how many photos a list has, for the time left; None of standard input or a pipe."""
    if not source.is_file():
        return None
    with source.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(PIECE), b""))
