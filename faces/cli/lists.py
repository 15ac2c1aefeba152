"""Commands that list: list people, list photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from elasticsearch import ApiError, Elasticsearch

from es_setup.connection import Connection
from es_setup.shipped_files import GALLERY
from faces.cli.gallery import day, people_counted
from faces.cli.options import JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, explained, notes, out, print_json
from faces.cli.verbosity import with_verbosity
from faces.decisions.labelling import known_name
from faces.gallery.people import Gallery
from faces.listing import people as listed_people
from faces.listing import photos as listed_photos
from faces.searchable import NoFaces, searchable
from faces.shown.terminal import table

app = typer.Typer(help="List people, and the photos on which they are.", no_args_is_help=True)

IndexOption = Annotated[str, typer.Option(help="index or alias with photos")]
GalleryOption = Annotated[str, typer.Option(help="index or alias of portraits, if it is there")]


def gallery_if_there(es: Elasticsearch, name: str) -> Gallery | None:
    """None too where the user may not read it."""
    try:
        return Gallery.of(es, name)
    except (ApiError, NoFaces) as error:
        if isinstance(error, ApiError) and error.status_code not in (403, 404):
            raise
        notes.print(f"note: without portraits and tags, as [{name}] can't be read")
        return None


@connected_to_elasticsearch
def people(
    connection: Connection,
    index: IndexOption = "faces",
    gallery: GalleryOption = GALLERY,
    as_json: JsonFlag = False,
) -> None:
    """List everybody whom people named, in the archive and in the gallery. Needs Elasticsearch alone."""
    with explained():
        es = connection.elasticsearch()
        where = searchable(es, index)
        found = listed_people.people(es, where, gallery_if_there(es, gallery))
    if as_json:
        print_json([person.as_json() for person in found])
        return
    rows = table("name", "faces", "photos", "portraits", "first seen", "last seen", "tags")
    for person in found:
        counts = (str(number) for number in (person.faces, person.photos, person.portraits))
        tags = ", ".join(sorted(person.tags)) or "-"
        rows.add_row(person.name, *counts, day(person.first), day(person.last), tags)
    out.print(rows if found else f"nobody is named in [{index}]: `faces label` names a face")
    out.print(people_counted(len(found)))


@connected_to_elasticsearch
def photos(
    connection: Connection,
    name: Annotated[str, typer.Option(help="who is on the photos")],
    together: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="who else is on them; may be given several times"),
    ] = None,
    guesses: Annotated[bool, typer.Option("--guesses", help="also by matches that nobody confirmed")] = False,
    index: IndexOption = "faces",
    gallery: GalleryOption = GALLERY,
    as_json: JsonFlag = False,
) -> None:
    """List the photos on which somebody is, together with others, newest first. Needs Elasticsearch alone."""
    with explained():
        es = connection.elasticsearch()
        where = searchable(es, index)
        names = [known_name(one) for one in (name, *(together or []))]
        listed_photos.require_known(es, where, gallery_if_there(es, gallery), names)
        found = list(listed_photos.photos(es, where, names, guesses))
    if as_json:
        print_json([photo.as_json() for photo in found])
        return
    rows = table("photo", "id", "date", "people", *(["guesses"] if guesses else []))
    for photo in found:
        own = [", ".join(one) or "-" for one in (photo.people, *([photo.guesses] if guesses else []))]
        rows.add_row(photo.document.path, photo.document.id, day(photo.date), *own)
    out.print(rows if found else _none(names, guesses))
    out.print(f"{counted(len(found), 'photo')} of {', '.join(names)} in [{index}]")


def _none(names: Sequence[str], guesses: bool) -> str:
    also = "" if guesses else "; --guesses also takes matches that nobody confirmed"
    return f"no photo that people labelled with {' and '.join(names)}{also}"


for _name, _command in {"people": people, "photos": photos}.items():
    app.command(_name)(with_verbosity(_command))
