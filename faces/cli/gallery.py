"""Commands for the people of the gallery: gallery list, show, tag, untag, remove."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from elasticsearch import AuthorizationException

from es_setup.connection import Connection
from es_setup.shipped_files import GALLERY, PROBES
from faces.buckets import by_index
from faces.cli.changes import Changes
from faces.cli.options import DryRun, GalleryOption, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, explained, fail, out, print_json, say, tracked
from faces.cli.probe_tags import bring_tags
from faces.cli.servers import stopped_by_signals
from faces.cli.verbosity import with_verbosity
from faces.decisions.entries import Action
from faces.decisions.journal import Journal
from faces.decisions.labelling import known_name
from faces.gallery import removing, tagging
from faces.gallery.people import Gallery, GalleryPerson
from faces.gallery.showing import portraits_of
from faces.searchable import searchable
from faces.shown.terminal import table
from faces.writable import require_writable

app = typer.Typer(help="List, show, tag and remove the people of the gallery.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="the person, as in the gallery")]
TagsArgument = Annotated[list[str], typer.Argument(metavar="TAG...", help="such as `watch`")]
ProbesOption = Annotated[
    str | None,
    typer.Option(help=f"index or alias whose matches get the tags; default: {PROBES}, if it is there"),
]


@connected_to_elasticsearch
def list_command(connection: Connection, gallery: GalleryOption = GALLERY, as_json: JsonFlag = False) -> None:
    """List the people of the gallery. Needs Elasticsearch alone."""
    with explained():
        found = Gallery.of(connection.elasticsearch(), gallery)
        people, nameless = found.people(), found.nameless()
    if as_json:
        print_json({"people": [person.as_json() for person in people], "without_name": nameless})
        return
    rows = table("name", "portraits", "newest", "tags")
    for person in people:
        rows.add_row(
            person.name, str(person.portraits), day(person.newest), ", ".join(sorted(person.tags)) or "-"
        )
    out.print(rows if people else "nobody is enrolled: `faces enroll PHOTO --name NAME` adds somebody")
    if nameless:
        out.print(f"portraits without a name: {nameless}")
    total = sum(person.portraits for person in people) + nameless
    out.print(f"{people_counted(len(people))}, {counted(total, 'portrait')}")


@connected_to_elasticsearch
def show(
    connection: Connection,
    name: NameArgument,
    gallery: GalleryOption = GALLERY,
    as_json: JsonFlag = False,
) -> None:
    """Show a person's portraits. One that is unlike the others may be somebody else's. Needs Elasticsearch
    alone.
    """
    with explained():
        found = Gallery.of(connection.elasticsearch(), gallery)
        person = found.person(name)
        portraits = portraits_of(found, person.name)
    if as_json:
        print_json({**person.as_json(), "portraits": [portrait.as_json() for portrait in portraits]})
        return
    rows = table("portrait", "photo", "date", "quality", "similarity to the others", "verdict", "tags")
    for portrait in portraits:
        rows.add_row(
            portrait.id,
            portrait.path or "-",
            day(portrait.date),
            "-" if portrait.quality is None else f"{portrait.quality:.2f}",
            "-" if portrait.similarity is None else f"{portrait.similarity:.3f}",
            portrait.verdict or "-",
            ", ".join(portrait.tags) or "-",
        )
    out.print(rows)
    if unlike := [portrait.id for portrait in portraits if portrait.verdict == "unlikely"]:
        out.print(f"note: unlike the others, so perhaps somebody else: {', '.join(unlike)}")
    out.print(
        f"{person.name}: {counted(len(portraits), 'portrait')}; tags: {', '.join(sorted(person.tags)) or '-'}"
    )


@connected_to_elasticsearch
def tag(
    connection: Connection,
    name: NameArgument,
    tags: TagsArgument,
    gallery: GalleryOption = GALLERY,
    probes: ProbesOption = None,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a person tags, in the gallery and in the probes that they match. Needs Elasticsearch alone."""
    _tag(connection, "tag", name, tags, gallery, probes, dry_run, as_json)


@connected_to_elasticsearch
def untag(
    connection: Connection,
    name: NameArgument,
    tags: TagsArgument,
    gallery: GalleryOption = GALLERY,
    probes: ProbesOption = None,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Take tags from a person, in the gallery and in the probes that they match. Needs
    Elasticsearch alone.
    """
    _tag(connection, "untag", name, tags, gallery, probes, dry_run, as_json)


@connected_to_elasticsearch
def remove(
    connection: Connection,
    who: Annotated[str, typer.Argument(metavar="NAME|ID", help="a person, or one portrait by its id")],
    gallery: GalleryOption = GALLERY,
    yes: Annotated[bool, typer.Option("--yes", help="remove them: this can't be undone")] = False,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Remove a person's portraits from the gallery, or one of them. It can't be undone: needs --yes. Needs
    Elasticsearch alone.
    """
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        found = Gallery.of(es, gallery)
        portraits = removing.portraits(found, who)
        if not yes and not dry_run:
            fail(
                f"{counted(len(portraits), 'portrait')} of {removing.whose(portraits)} would be removed. The "
                "journal keeps no vectors, so that can't be undone: give --yes. `faces gallery untag` takes "
                "a tag alone, and `faces forget` erases a person everywhere",
                status=2,
            )
        journal = Journal(es)
        operation = journal.begin("remove")
        changes = Changes(operation, dry_run)
        results = removing.remove(found, journal, operation, portraits, dry_run)
        changes.collect(tracked(results, len(portraits), "removing"))
    if as_json:
        changes.finish("removed", as_json)
        return
    would = "would be " if dry_run else ""
    out.print(f"{counted(len(changes.changed), 'portrait')} {would}removed, {len(changes.failed)} failed")
    if not dry_run:
        say("hint: matches with them stay in probes until `faces identify --all`")
    if changes.failed:
        raise typer.Exit(1)


def _tag(
    connection: Connection,
    action: Action,
    name: str,
    tags: Sequence[str],
    gallery: str,
    probes: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    with explained(), stopped_by_signals():
        who, wanted = known_name(name), tagging.tidy_tags(tags)
        es = connection.elasticsearch()
        found = Gallery.of(es, gallery)
        person = found.person(who)
        journal = Journal(es)
        operation = journal.begin(action, [gallery, person.name, *wanted])
        changes = Changes(operation, dry_run)
        both = (wanted, []) if action == "tag" else ([], wanted)
        if not dry_run:
            _require_writable(found, person.name, probes)
        results = tagging.tag(found, journal, operation, person.name, *both, dry_run=dry_run)
        changes.collect(tracked(results, person.portraits, "portraits"))
        after = tagging.tags_of(found, person.name) if not dry_run else _after(person, *both)
        reached = bring_tags(es, changes, probes, person.name, after)
        if not dry_run and not changes.has_failed:
            journal.finish(operation)
    if as_json:
        changes.finish("tagged", as_json, tags=after, probes=reached)
        return
    would = "would be " if dry_run else ""
    out.print(
        f"{counted(len(changes.changed), 'portrait')} of [{person.name}] {would}{action}ged, "
        f"{changes.unchanged} unchanged, {len(changes.failed) + len(changes.also)} failed; "
        f"{counted(reached, 'probe')} {would}refreshed; "
        f"tags: {', '.join(after) or '-'}"
    )
    if changes.has_failed:
        raise typer.Exit(1)


def _require_writable(found: Gallery, name: str, probes: str | None) -> None:
    """
    Raises:
        NotWritable: the gallery or the probes, which both get the tags, don't take changes.
    """
    es, held = found.es, by_index(found.es, found.name, found.portraits_of(name))
    # Who may not read the probes is told so once the gallery has the tags.
    with suppress(AuthorizationException):
        if probes is not None or es.indices.exists(index=PROBES):
            where = searchable(es, probes or PROBES)
            held |= by_index(es, where.name, tagging.probes_of(es, where, name))
    require_writable(es, held)


def _after(person: GalleryPerson, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    return sorted((person.tags | set(add)) - set(remove))


def people_counted(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def day(time: Any) -> str:
    """The day of a time in ISO 8601."""
    return str(time)[:10] if time else "-"


for _name, _command in {
    "list": list_command,
    "show": show,
    "tag": tag,
    "untag": untag,
    "remove": remove,
}.items():
    app.command(_name)(with_verbosity(_command))
