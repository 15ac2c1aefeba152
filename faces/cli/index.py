"""The command `faces index`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from es_setup.connection import Connection
from faces.cli.options import FolderArgument, IndexOption, JsonFlag, Labels, connected_to_elasticsearch
from faces.cli.output import err, explained, fail, indexing_summary, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.indexing.indexing import index_photos
from faces.indexing.outcomes import IndexedPhoto, IndexingCounts, Outcome
from faces.photo_folders.reading import FoundPhotos, SkippedFile, read_folder, reasons


@connected_to_elasticsearch
def index_command(
    connection: Connection,
    folder: FolderArgument,
    labels: Labels = None,
    index: IndexOption = "faces",
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
    list_skipped: Annotated[
        bool, typer.Option("--list-skipped", help="name each file that is skipped, and why")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Index every photo below FOLDER. A photo that the index has, under whatever name, isn't sent again."""
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        found = read_folder(folder, labels == "folder", include_all)
        for unreadable in found.unreadable_folders:
            err.print(f"{unreadable}: the folder can't be read")
        if not found.photos:
            fail(f"no photos below {folder}{_among(found)}")
        counts, skipped = IndexingCounts(), list(found.skipped)
        counts.skip(len(skipped))
        try:
            for indexed in tracked(
                index_photos(es, found.photos, index, replace), len(found.photos), "indexing"
            ):
                counts.add(indexed)
                if indexed.outcome is Outcome.SKIPPED:
                    skipped.append(SkippedFile(indexed.photo.name, indexed.notice or ""))
                else:
                    _tell(indexed)
        except KeyboardInterrupt:
            _report(counts, skipped, list_skipped, as_json)
            say("not all photos were looked at: run this again, which sends the others")
            raise
    _report(counts, skipped, list_skipped, as_json)
    if counts.not_stored or counts.not_named or found.unreadable_folders:
        raise typer.Exit(1)


def _tell(indexed: IndexedPhoto) -> None:
    """What a person must know about one photo."""
    # A photo in the folders of two people has no label of its own.
    name = f" [{indexed.photo.label}]" if indexed.photo.label else ""
    not_named = indexed.not_named and f"not named{name}: {indexed.not_named}"
    for text in (indexed.error, indexed.notice, not_named):
        if text:
            err.print(f"{indexed.photo.name}: {text}")


def _report(counts: IndexingCounts, skipped: list[SkippedFile], list_skipped: bool, as_json: bool) -> None:
    """The counts of all files; the last line says how many had which outcome."""
    why = reasons(skipped)
    if as_json:
        answer: dict[str, Any] = counts.as_json()
        names = {reason: [file.name for file in skipped if file.reason == reason] for reason in why}
        print_json({**answer, "skipped_files": names})
        return
    if list_skipped:
        for file in skipped:
            out.print(f"skipped: {file.name} ({file.reason})")
    elif why:
        say(f"skipped: {_listed(why)} (--list-skipped names them)")
    out.print(indexing_summary(counts))
    by_outcome = ", ".join(f"{number} {outcome}" for outcome, number in counts.by_outcome().items())
    not_named = f"; {counts.not_named} without their folder's name" if counts.not_named else ""
    out.print(by_outcome + not_named)


def _among(found: FoundPhotos) -> str:
    why = reasons(found.skipped)
    return f": skipped {_listed(why)}; --include-all takes what is a photo" if why else ""


def _listed(why: dict[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in why.items())
