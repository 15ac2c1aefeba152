"""The command `faces enroll`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from es_setup.connection import Connection
from es_setup.shipped_files import GALLERY
from faces.cli.changes import ARCHIVES
from faces.cli.gallery import people_counted
from faces.cli.options import DryRun, GalleryOption, JsonFlag, Labels, connected
from faces.cli.output import err, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.decisions.choosing import Chosen, chosen
from faces.decisions.journal import Journal
from faces.decisions.labelling import one_name
from faces.gallery.enrolling import Enrolled, Enrolment, Outcome
from faces.gallery.people import Gallery
from faces.gallery.sources import PhotoEnrolment, enrol_stored
from faces.photo_folders.reading import read_folder, reasons
from faces.photos import PhotoFile, readable
from faces.searchable import searchable
from faces.shown.printable import printable


@connected
def enroll(
    connection: Connection,
    source: Annotated[
        Path | None,
        typer.Argument(metavar="PHOTO|FOLDER", exists=True, help="a portrait, or a folder of portraits"),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="who it is; with --from by default whom a person said it is")
    ] = None,
    labels: Labels = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="a tag such as `watch`; may be given several times")
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(min=0, help="of several faces the one at this position, largest first, from 0"),
    ] = None,
    stored: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="ID",
            help="in place of PHOTO: a face that is indexed, by its photo's or its own id; may be given "
            "several times",
        ),
    ] = None,
    index: Annotated[str, typer.Option(help="with --from: indices or aliases with photos")] = ARCHIVES,
    gallery: GalleryOption = GALLERY,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Add portraits of a person to the gallery. A portrait shows one face; one that is there isn't sent
    again. Exit status 1 if a photo can't be a portrait; 2 if it is one PHOTO of several faces. Needs the
    plugin and its service; without the plugin the service alone. With --from, Elasticsearch alone.
    """
    _check(source, stored or [], name, labels, face)
    with explained(), stopped_by_signals():
        whose = one_name(name) if name is not None else None
        es = connection.elasticsearch()
        people, journal = Gallery.of(es, gallery), Journal(es)
        operation = None if dry_run else journal.begin("enroll")
        enrolment = Enrolment(people, journal, operation, tag or [])
        if source is None:
            where = searchable(es, index)
            faces = [_named(chosen(es, where, text, face)) for text in stored or []]
            results: Iterator[Enrolled] = (enrol_stored(es, enrolment, one, whose) for one in faces)
            total = len(faces)
        else:
            photos, by_photo = _photos(source, labels, whose), PhotoEnrolment(connection, es, enrolment)
            total = len(photos)
            chosen_face = (by_photo.face(photos[0], position) for position in [face or 0])
            results = by_photo.photos(photos) if face is None else chosen_face
        enrolled = []
        try:
            for one in tracked(results, total, "enrolling"):
                enrolled.append(one)
                if one.reason:
                    err.print(f"{one.source}: {one.reason}")
        except KeyboardInterrupt:
            say(f"stopped after {len(enrolled)} of {total}: run this again for the rest")
            raise
    _finish(enrolled, people, operation.id if operation else None, as_json)
    if source and source.is_file() and any(one.code == "several_faces" for one in enrolled):
        # As `faces label`, and all that needs to be told which face is meant.
        raise typer.Exit(2)
    if any(one.outcome is Outcome.FAILED for one in enrolled):
        raise typer.Exit(1)


def _named(found: list[Chosen]) -> Chosen:
    """Of the same face in archive and probes the one that somebody has named, if anybody has."""
    return next((one for one in found if one.document.label_of(one.face)), found[0])


def _check(
    source: Path | None, stored: list[str], name: str | None, labels: str | None, face: int | None
) -> None:
    if (source is None) == (not stored):
        fail("name either a PHOTO or FOLDER, or a face by --from", status=2)
    if source is not None and (name is None) == (labels is None):
        fail("say whose portraits these are, by --name, or by --labels folder", status=2)
    if labels and not (source and source.is_dir()):
        fail("--labels folder goes with a FOLDER", status=2)
    if face is not None and ((source and source.is_dir()) or len(stored) > 1):
        fail("--face chooses a face of one photo", status=2)


def _photos(source: Path, labels: str | None, name: str | None) -> list[PhotoFile]:
    if source.is_file():
        return [PhotoFile(source, readable(Path(source.name)), name)]
    found = read_folder(source, labels == "folder")
    for unreadable in found.unreadable_folders:
        err.print(f"{unreadable}: the folder can't be read")
    if why := reasons(found.skipped):
        say(f"skipped: {', '.join(f'{number} {reason}' for reason, number in why.items())}")
    photos = [photo if labels else replace(photo, label=name) for photo in found.photos]
    nobodys = [photo.name for photo in photos if not photo.label]
    if nobodys:
        folder = printable(str(source))
        fail(
            f"photos directly in [{folder}] have no person: {nobodys[0]}: move each into its person's folder"
        )
    if not photos:
        fail(f"no photos below [{printable(str(source))}]")
    return photos


def _finish(enrolled: list[Enrolled], gallery: Gallery, operation: str | None, as_json: bool) -> None:
    counts = Counter(one.outcome for one in enrolled)
    if as_json:
        print_json(
            {
                "gallery": gallery.name,
                "operation": operation,
                "dry_run": operation is None,
                **{outcome.value: counts[outcome] for outcome in Outcome},
                "portraits": [one.as_json() for one in enrolled],
            }
        )
    else:
        would = "would be " if operation is None else ""
        people = len({one.name for one in enrolled})
        out.print(
            f"{counts[Outcome.ENROLLED]} {would}enrolled, {counts[Outcome.CHANGED]} {would}changed, "
            f"{counts[Outcome.UNCHANGED]} unchanged, {counts[Outcome.FAILED]} failed; "
            f"portraits of {people_counted(people)} for [{gallery.name}]"
        )
    if operation is None:
        say("dry run: nothing was changed, and no photo was looked at")
    elif counts[Outcome.ENROLLED]:
        say("hint: `faces identify --all` looks for them among the photos of before")
