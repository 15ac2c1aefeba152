"""The command `faces versions`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from es_setup.connection import Connection
from faces.cli.gallery import day
from faces.cli.options import IndexOption, JsonFlag, connected
from faces.cli.output import counted, explained, out, print_json
from faces.copies.asked import Asked, asked
from faces.copies.pictures import PictureDocument
from faces.copies.versions import Version, Versions, versions
from faces.reviewing.portraits import side_by_side
from faces.searchable import searchable
from faces.shown.terminal import table
from faces.shown.terminal_pictures import protocol_of, sequence

IN_A_ROW = 6
"""Versions that are shown as pictures, beside the photo itself."""


@connected
def versions_command(
    connection: Connection,
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO|ID", help="a photo's file, or a photo that is indexed")
    ],
    index: IndexOption = "faces",
    pictures: Annotated[
        Literal["auto", "never"],
        typer.Option(help="`auto`: show the photo beside its versions, in iTerm2, kitty and the like"),
    ] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Find the same picture elsewhere in the index, resized, saved in another quality or slightly cropped;
    the largest and earliest first. Cropped ones are known by their faces.

    Needs the service, or else the plugin, for a file whose content isn't indexed; else Elasticsearch alone.
    """
    with explained():
        es = connection.elasticsearch()
        where = searchable(es, index)
        given = asked(connection, es, where, photo)
        found = versions(es, where, given)
    if as_json:
        print_json(
            {
                "photo": given.as_json(),
                "searched": list(where.recorded),
                "versions": [version.as_json() for version in found.found],
                "notes": list(found.notes),
            }
        )
        return
    out.print(f"photo: {photo}, {given.picture.dimensions} pixels")
    if found.found and (protocol := protocol_of(os.environ, out.is_terminal) if pictures == "auto" else None):
        thumbnails = [version.photo.picture.thumbnail for version in found.found[:IN_A_ROW]]
        out.file.write(sequence(side_by_side([given.picture.thumbnail, *thumbnails]), protocol))
    if found.found:
        _print(found.found)
    for note in found.notes:
        out.print(f"note: {note}")
    out.print(_counted(found, given, index))


def _print(found: tuple[Version, ...]) -> None:
    several = len({version.photo.index for version in found}) > 1
    with_url = any(version.photo.url for version in found)
    rows = table(
        *(["index"] if several else []),
        *("photo", "id", "pixels", "bytes", "date", "known by"),
        *(["url"] if with_url else []),
    )
    for version in found:
        photo = version.photo
        rows.add_row(
            *([photo.index] if several else []),
            *(photo.path, photo.id, *measures(photo), version.evidence.words),
            *([photo.url or "-"] if with_url else []),
        )
    out.print(rows)


def measures(photo: PictureDocument) -> tuple[str, str, str]:
    """Pixels, bytes and date, for a table."""
    size = f"{photo.size:,}" if photo.size else "-"
    return photo.picture.dimensions, size, day(photo.date)


def _counted(found: Versions, given: Asked, index: str) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.counts().items())
    count = counted(len(found.found), "version")
    return f"{count} of [{given.given}] in [{index}]" + (f": {kinds}" if kinds else "")
