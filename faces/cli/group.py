"""The commands `faces group`, `group list`, `group name` and `group split`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.cli.changes import Changes
from faces.cli.options import DryRun, IndexOption, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, err, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.cli.verbosity import with_verbosity
from faces.decisions.journal import Journal
from faces.decisions.labelling import one_name
from faces.grouping import listing
from faces.grouping.deciding import GroupNaming, chosen_of_group, split
from faces.grouping.listing import Group, Member, NoSuchGroup
from faces.grouping.run import FEWEST, Grouping, grouping, write
from faces.searchable import searchable
from faces.shown.printable import printable
from faces.shown.terminal import table
from faces.writable import require_writable
from ingest_service.errors import WrongArguments
from ingest_service.verdicts import shown

app = typer.Typer(invoke_without_command=True)

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="a group's id, as listed")]
Yes = Annotated[bool, typer.Option("--yes", help="don't ask")]


@connected_to_elasticsearch
def group_command(
    context: typer.Context,
    connection: Connection,
    index: IndexOption = "faces",
    min_similarity: Annotated[
        float | None,
        typer.Option(
            min=-1,
            max=1,
            help="least cosine similarity of two faces that join a group; default: that of a strong match",
        ),
    ] = None,
    min_size: Annotated[int, typer.Option(min=2, help="faces of a group, at least")] = FEWEST,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Put faces that nobody has named into groups, each probably of one person, so that one command names
    them all. What people said is respected, and a group keeps its id as photos arrive. Needs Elasticsearch
    alone, neither the plugin nor the service."""
    if context.invoked_subcommand is not None:
        _refuse_own_options(context)
        return
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        where = searchable(es, index)
        found = grouping(es, where, min_similarity, min_size, tracked)
        changes = found.changes()
        if not dry_run:
            require_writable(es, {index for index, _ in changes})
        counts, failed = Counter[str](), []
        for one in tracked(write(es, where, found, dry_run), len(changes), "writing"):
            counts[one.outcome] += 1
            counts["faces"] += one.faces if one.outcome == "changed" else 0
            if one.outcome == "failed":
                failed.append({"index": one.index, "id": one.id, "reason": one.reason})
                err.print(f"{one.path or one.id}: not changed: {one.reason}")
    if as_json:
        changed = {"changed": counts["changed"], "changed_faces": counts["faces"], "failed": failed}
        print_json({**_as_json(found), "dry_run": dry_run, **changed})
    else:
        _print(found, counts, len(failed), index, dry_run)
    if dry_run:
        say("dry run: nothing was changed")
    if failed:
        raise typer.Exit(1)


@connected_to_elasticsearch
def list_command(
    connection: Connection,
    group: Annotated[
        str | None,
        typer.Argument(metavar="[GROUP]", help="list every face of this group; default: all groups"),
    ] = None,
    index: IndexOption = "faces",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="groups that are listed, at most")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List the groups, the largest first, or the faces of one. Needs Elasticsearch alone."""
    with explained():
        es = connection.elasticsearch()
        where = searchable(es, index)
        if group is not None:
            _print_members(listing.members(es, where, group), as_json)
            return
        every = listing.sizes(es, where)
        found = listing.with_photos(es, where, every[:limit])
    faces = sum(one.faces for one in every)
    if as_json:
        print_json({"groups": [one.as_json() for one in found], "total": len(every), "faces": faces})
        return
    rows = table("group", "faces", "photos")
    for one in found:
        rows.add_row(one.id, str(one.faces), _some_photos(one))
    out.print(rows if every else f"no groups in [{index}]: `faces group` makes them")
    cut = f", the largest {len(found)} are listed" if len(found) < len(every) else ""
    out.print(f"{counted(len(every), 'group')}, {counted(faces, 'face')}{cut}")


@connected_to_elasticsearch
def name_command(
    connection: Connection,
    group: GroupArgument,
    name: Annotated[str, typer.Option(help="who it is")],
    index: IndexOption = "faces",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say who the faces of a group show: all of them, in one command that `faces undo` takes back. Needs
    Elasticsearch alone."""
    if as_json and not (yes or dry_run):
        fail("--json asks nothing: give --yes, or --dry-run to see what would be labelled", status=2)
    with explained(), stopped_by_signals():
        who = one_name(name)
        es = connection.elasticsearch()
        where = searchable(es, index)
        journal = Journal(es)
        operation = journal.begin("label", [where.name, "group", group, who])
        changes = Changes(operation, dry_run)
        found: list[Member] = []
        try:
            found = listing.members(es, where, group)
        except NoSuchGroup:
            # A run that was killed at its very end has named them all.
            if not journal.documents(operation.id):
                raise
        if not (yes or dry_run):
            _ask(found, group, who)
        naming = GroupNaming(group, who)
        documents = len({one.key for one in found})
        changes.collect(tracked(naming.run(es, journal, operation, where, dry_run), documents, "changing"))
        if not dry_run and not changes.failed:
            journal.finish(operation)
    for why in naming.contradicting.values():
        changes.note(f"{why}: this face stays in the group")
    changes.finish("labelled", as_json)


@connected_to_elasticsearch
def split_command(
    connection: Connection,
    group: GroupArgument,
    faces: Annotated[
        list[str],
        typer.Argument(
            metavar="FACE|PHOTO...", help="faces that are somebody else's: their ids, or their photos"
        ),
    ],
    index: IndexOption = "faces",
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say that faces aren't those of their group's person: they leave it, and are never again in a group with
    those that stay. Needs Elasticsearch alone."""
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        where = searchable(es, index)
        journal = Journal(es)
        operation = journal.begin("split", [where.name, group, *sorted(faces)])
        changes = Changes(operation, dry_run)
        chosen = {one for text in faces for one in chosen_of_group(es, where, group, text, operation.id)}
        kept = _kept(es, where, group, chosen)
        results = split(es, journal, operation, where, group, chosen, dry_run)
        changes.collect(tracked(results, len({key for key, _ in chosen} | kept), "changing"))
        if not dry_run and not changes.failed:
            journal.finish(operation)
    changes.finish("told apart", as_json)
    if not dry_run:
        say("hint: `faces group` puts those that left it into the groups that they make now")


def _refuse_own_options(context: typer.Context) -> None:
    """`faces group --dry-run name …` isn't a dry run."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in ("verbose", "quiet"):
            word = context.invoked_subcommand
            fail(f"give {parameter.opts[-1]} after `faces group {word}`, to which it belongs", status=2)


def _kept(es: Elasticsearch, where: Any, group: str, chosen: set[Any]) -> set[Any]:
    """The documents of the faces that stay in the group."""
    try:
        rest = {(one.key, one.face) for one in listing.members(es, where, group)} - chosen
    except NoSuchGroup:
        # Those that stayed were named, since a run that was killed.
        return set()
    if not rest:
        raise WrongArguments(f"these are all faces of group [{group}]: name those that are somebody else's")
    return {key for key, _ in rest}


def _ask(found: list[Member], group: str, name: str) -> None:
    for one in found[: listing.SHOWN]:
        say(f"{one.path}, face {one.position} of {one.of}")
    if len(found) > listing.SHOWN:
        say(f"and {len(found) - listing.SHOWN} more: `faces group list {group}`")
    if found and not typer.confirm(f"Label {counted(len(found), 'face')} [{printable(name)}]?", err=True):
        say("nothing was changed")
        raise typer.Exit(1)


def _print(found: Grouping, counts: Counter[str], failed: int, index: str, dry_run: bool) -> None:
    unnamed = int(found.faces.unnamed.sum())
    if found.faces.others:
        others = sum(found.faces.others.values())
        models = ", ".join(f"[{model}]" for model in sorted(found.faces.others))
        out.print(f"note: {counted(others, 'face')} of other models left out: {models}")
    if not unnamed:
        out.print(f"no unnamed face in [{index}]")
    would = "would be " if dry_run else ""
    out.print(
        f"{counted(len(found.sizes), 'group')} of {sum(found.sizes.values()):,} among "
        f"{counted(unnamed, 'unnamed face')}, by a similarity from {shown(found.least.pair)}; "
        f"{counted(counts['faces'], 'face')} {would}changed in {counted(counts['changed'], 'document')}, "
        f"{failed} failed"
    )


def _as_json(found: Grouping) -> dict[str, Any]:
    sizes = found.sizes
    return {
        "model": found.faces.model,
        "min_similarity": found.least.pair,
        "min_mean_similarity": found.least.mean,
        "faces": len(found.faces),
        "unnamed": int(found.faces.unnamed.sum()),
        "of_other_models": found.faces.others,
        "groups": [{"id": group, "faces": faces} for group, faces in sorted(sizes.items(), key=_largest)],
    }


def _largest(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]


def _some_photos(group: Group) -> str:
    paths = dict.fromkeys(one.path for one in group.photos)
    return ", ".join(paths) + (", …" if group.faces > len(group.photos) else "")


def _print_members(found: list[Member], as_json: bool) -> None:
    if as_json:
        print_json([one.as_json() for one in found])
        return
    rows = table("photo", "face", "id")
    for one in found:
        rows.add_row(one.path, f"{one.position} of {one.of}", one.face)
    out.print(rows)
    out.print(counted(len(found), "face"))


app.callback()(with_verbosity(group_command))
for _name, _command in {"list": list_command, "name": name_command, "split": split_command}.items():
    app.command(_name)(with_verbosity(_command))
