"""The commands `faces label`, `unlabel`, `not-this-person`, `ignore` and `unignore`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.calibration.indices import shared
from faces.cli.changes import ARCHIVES, Changes
from faces.cli.options import DryRun, JsonFlag, connected, connected_to_elasticsearch
from faces.cli.output import counted, explained, fail, out, say, tracked, verdicts
from faces.cli.servers import stopped_by_signals
from faces.decisions import labelling
from faces.decisions.assignments import assignments
from faces.decisions.choosing import NoSuchFace, NoSuchPosition, SeveralFaces, chosen
from faces.decisions.deciding import EDITS, Deciding
from faces.decisions.documents import Key, face_id
from faces.decisions.entries import Action
from faces.decisions.labelling import BadName, FaceEdits, one_name
from faces.decisions.similar import Similar, similar, stored_vector
from faces.photo_faces import photo_faces, read_photo
from faces.searchable import Searchable, searchable
from faces.shown.printable import printable
from faces.shown.terminal import table
from ingest_service.verdicts import shown

STANDARD_INPUT = Path("-")

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO|ID...",
        help="a photo's file, its path or name as indexed, a document's id, or a face's id",
    ),
]
FaceOption = Annotated[
    int | None,
    typer.Option(
        "--face", min=0, help="which face: its position, largest first, from 0; needed if there are several"
    ),
]
Index = Annotated[str, typer.Option("--index", help="indices or aliases with photos")]


@dataclass(frozen=True)
class _Place:
    """Where a command changes faces."""

    es: Elasticsearch
    where: Searchable
    dry_run: bool
    as_json: bool

    @classmethod
    def of(cls, connection: Connection, index: str, dry_run: bool, as_json: bool) -> _Place:
        es = connection.elasticsearch()
        return cls(es, searchable(es, index), dry_run, as_json)

    def edit(self, action: Action, edits: FaceEdits, about: Iterable[str]) -> Changes:
        """Makes the edits as one operation, of which a second run makes the rest if this one is killed."""
        deciding = Deciding.begin(self.es, self.where, action, [*about])
        changes = Changes(deciding.operation, self.dry_run)
        return changes.collect(tracked(deciding.make(edits, self.dry_run), len(edits.keys), "changing"))


@connected
def label_command(
    connection: Connection,
    photos: Photos = [],  # noqa: B006 - Typer needs a list
    name: Annotated[str | None, typer.Option(help="who it is")] = None,
    face: FaceOption = None,
    similar_to: Annotated[
        str | None,
        typer.Option(
            "--similar-to",
            metavar="PHOTO|ID",
            help="in place of PHOTO: the faces most similar to this one that nobody has named",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("-k", min=1, max=1000, help="with --similar-to: at most so many; default: 50"),
    ] = None,
    min_similarity: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, help="with --similar-to: least cosine similarity; default: that of a strong match"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="with --similar-to: don't ask")] = False,
    table_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="in place of PHOTO: a CSV with the columns photo (or id), face and name; - reads standard "
            "input",
        ),
    ] = None,
    index: Index = ARCHIVES,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say who a face is. A photo of several faces needs --face: it is never named as a whole. Needs
    Elasticsearch alone.
    """
    if sum((bool(photos), similar_to is not None, table_file is not None)) != 1:
        fail("name PHOTO, --similar-to or --from, one of them", status=2)
    if similar_to is None and (k is not None or min_similarity is not None or yes):
        fail("-k, --min-similarity and --yes go with --similar-to", status=2)
    if similar_to is not None and as_json and not (yes or dry_run):
        fail("--json asks nothing: give --yes, or --dry-run to see what would be labelled", status=2)
    if table_file is not None and face is not None:
        fail("--face doesn't go with --from: the table has a column [face]", status=2)
    if table_file not in (None, STANDARD_INPUT) and (not table_file.exists() or table_file.is_dir()):
        fail(f"--from: no such file [{table_file}]", status=2)
    if table_file is None and name is None:
        fail("say who it is: --name NAME", status=2)
    with explained(), stopped_by_signals():
        who = one_name(name) if name is not None else None
        place = _Place.of(connection, index, dry_run, as_json)
        if table_file is not None:
            changes = _label_table(place, table_file, who)
        elif similar_to is not None:
            changes = _label_similar(
                place, connection, similar_to, face, str(who), k or 50, min_similarity, yes
            )
        else:
            changes = _edit_chosen(place, "label", photos, face, [str(who)])
    changes.finish("labelled", as_json)


@connected_to_elasticsearch
def not_this_person(
    connection: Connection,
    photos: Photos,
    name: Annotated[list[str], typer.Option(help="who it isn't; may be given several times")],
    face: FaceOption = None,
    index: Index = ARCHIVES,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say who a face is not. If it is labelled so, it loses the label. Needs Elasticsearch alone."""
    with explained(), stopped_by_signals():
        names = [one_name(one) for one in name]
        place = _Place.of(connection, index, dry_run, as_json)
        changes = _edit_chosen(place, "not", photos, face, names)
    changes.finish("ruled out", as_json)


def _of_faces(action: Action, done: str, explained_as: str) -> Callable[..., None]:
    """A command that does one thing to faces, without further options."""

    def command(
        connection: Connection,
        photos: Photos,
        face: FaceOption = None,
        index: Index = ARCHIVES,
        dry_run: DryRun = False,
        as_json: JsonFlag = False,
    ) -> None:
        with explained(), stopped_by_signals():
            place = _Place.of(connection, index, dry_run, as_json)
            changes = _edit_chosen(place, action, photos, face)
        changes.finish(done, as_json)

    command.__doc__ = f"{explained_as} Needs Elasticsearch alone."
    return connected_to_elasticsearch(command)


unlabel = _of_faces("unlabel", "unlabelled", "Take back who a face is.")
ignore = _of_faces(
    "ignore", "ignored", "Leave a face out of what is to be named and reviewed, as nobody wants to see it."
)
unignore = _of_faces("unignore", "no longer ignored", "Take a face back that was ignored.")


def _edit_chosen(
    place: _Place, action: Action, photos: list[str], face: int | None, names: list[str] | None = None
) -> Changes:
    """One edit for all of these faces. If one of them can't be found, nothing is changed."""
    edits, edit = FaceEdits(), EDITS[action](names or [])
    for text in photos:
        edits.add(chosen(place.es, place.where, text, face), edit)
    return place.edit(action, edits, [*photos, str(face), *(names or [])])


def _label_table(place: _Place, file: Path, name: str | None) -> Changes:
    """A row that can't be used is reported, and the others are labelled."""
    if file == STANDARD_INPUT:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    else:
        text = file.read_text(encoding="utf-8", errors="replace")
    rows = list(assignments(text, name))
    edits, problems = FaceEdits(), []
    said: dict[tuple[Key, str], tuple[str, int]] = {}
    for row in tracked(rows, len(rows), "finding faces"):
        try:
            if row.problem:
                raise NoSuchFace(row.problem)
            faces = chosen(place.es, place.where, row.photo, row.face)
            who = one_name(row.name)
            for one in faces:
                before, line = said.setdefault(
                    (one.document.key, face_id(one.face, one.position)), (who, row.number)
                )
                if before != who:
                    raise BadName(f"line {line} says that this face is [{before}], not [{who}]: one is wrong")
            edits.add(faces, labelling.label(who))
        except (BadName, NoSuchFace, NoSuchPosition, SeveralFaces) as error:
            told = str(error).replace("\n", "; ")
            problems.append(f"line {row.number}: {told}")
    changes = place.edit("label", edits, [text, name or ""])
    for problem in problems:
        changes.problem(problem)
    return changes


def _label_similar(
    place: _Place,
    connection: Connection,
    text: str,
    face: int | None,
    name: str,
    k: int,
    min_similarity: float | None,
    yes: bool,
) -> Changes:
    thresholds = shared(place.where.recorded).thresholds
    vector = _vector(place, connection, text, face)
    least = thresholds.strong if min_similarity is None else min_similarity
    found = similar(place.es, place.where, vector, name, k, least)
    edits = FaceEdits()
    edits.add([one.chosen for one in found], labelling.label(name))
    if not place.as_json:
        _print_similar(place.where, found)
    if not found and min_similarity is None:
        possible = len(similar(place.es, place.where, vector, name, k, thresholds.possible))
        number = f"{possible}{' or more' if possible == k else ''}"
        say(f"no strong match; possible, by --min-similarity {shown(thresholds.possible)}: {number}")
    question = f"Label {counted(len(found), 'face')} [{printable(name)}]?"
    if found and not (yes or place.dry_run) and not typer.confirm(question, err=True):
        say("nothing was changed")
        raise typer.Exit(1)
    return place.edit("label", edits, ["similar to", text, str(face), name])


def _vector(place: _Place, connection: Connection, text: str, face: int | None) -> tuple[float, ...]:
    """Of the face of a photo that is indexed, or else of a file."""
    model = place.where.model(place.es)
    with suppress(NoSuchFace):
        return stored_vector(chosen(place.es, place.where, text, face)[0])
    if not Path(text).is_file():
        raise NoSuchFace(f"[{text}] is no file, and [{place.where.name}] has no photo or face of this name")
    found = photo_faces(connection, place.es, read_photo(Path(text)), model)
    if face is None and len(found.faces) > 1:
        raise SeveralFaces(f"[{text}] has {len(found.faces)} faces: name one by --face: {found.described()}")
    return tuple(found.faces[found.face(face)]["vector"])


def _print_similar(where: Searchable, found: list[Similar]) -> None:
    judged = shared(where.recorded)
    rows = table("", "similarity", "verdict", "photo", "face")
    for rank, one in enumerate(found, start=1):
        document = one.chosen.document
        rows.add_row(
            str(rank),
            f"{one.similarity:.3f}",
            judged.thresholds.verdict(one.similarity),
            document.path,
            f"{one.chosen.position} of {len(document.faces)}",
        )
    out.print(rows if found else "no match that nobody has named")
    out.print(f"verdicts: {verdicts(judged)}")
