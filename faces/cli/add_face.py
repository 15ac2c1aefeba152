"""The command `faces add-face`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.boxes import in_words
from faces.cli.options import IndexOption, JsonFlag, connected
from faces.cli.output import counted, explained, fail, out, print_json
from faces.decisions.adding import DrawnBox, DrawnFace, NotAdded, add_face, drawn_face
from faces.decisions.changing import Changed
from faces.decisions.choosing import documents_of, is_file
from faces.decisions.journal import Journal
from faces.decisions.labelling import one_name
from faces.erasure.kept_away import KeptAway
from faces.indexing.contents import content_of
from faces.searchable import searchable

BOX = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})", re.ASCII)


@connected
def add_face_command(
    connection: Connection,
    photo: Annotated[
        str, typer.Argument(help="the photo's file; or, if the index keeps the photo, its id, path or name")
    ],
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,WIDTH,HEIGHT",
            help="around the face, from brow to chin, in pixels of the upright photo",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="who it is")] = None,
    index: IndexOption = "faces",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print what would be added")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a face that the detector missed to its photo, by a box around it. `faces undo` removes it again.
    Needs the service.
    """
    drawn = _box(box)
    with explained():
        name = one_name(name) if name is not None else None
        es = connection.elasticsearch()
        where = searchable(es, index)
        documents = documents_of(es, where, photo)
        file = Path(photo).read_bytes() if is_file(Path(photo)) else None
        face = drawn_face(es, connection.service(), where, documents, drawn, photo, file)
        _require_not_forgotten(es, face, photo)
        changed = list(add_face(es, Journal(es), where, face, name, dry_run))
    if as_json:
        print_json(_as_json(face, name, changed, dry_run))
    else:
        _print(face, name, changed, dry_run)
    if any(one.outcome == "failed" for one in changed):
        raise typer.Exit(1)


def _box(text: str) -> DrawnBox:
    found = BOX.fullmatch(text.replace(" ", ""))
    if not found:
        fail(f"--box [{text}] isn't four whole numbers, such as 120,40,80,100", status=2)
    x, y, width, height = map(int, found.groups())
    return {"x": x, "y": y, "width": width, "height": height}


def _require_not_forgotten(es: Elasticsearch, face: DrawnFace, text: str) -> None:
    """
    Raises:
        NotAdded: the face, or its whole photo, was forgotten.
    """
    if KeptAway(es).is_forgotten(content_of(text, face.photo), face.entry["box"], face.size):
        raise NotAdded(
            f"the face at this place of [{text}] was forgotten: `faces forget --lift FILE` lets it come back"
        )


def _print(face: DrawnFace, name: str | None, changed: list[Changed], dry_run: bool) -> None:
    box, quality = face.entry["box"], face.entry.get("quality", {}).get("score", 0)
    how = "found there by the detector" if face.is_detected else "eyes taken to be where faces have them"
    out.print(f"{name or 'a face without a name'}: {in_words(box)}, quality {quality:.2f}, {how}")
    for one in changed:
        if one.outcome != "changed":
            out.print(f"{one.path or one.id} in {one.index}: {one.reason or 'has a face there'}")
    counts = _counts(changed)
    added = "would be added to" if dry_run else "added to"
    others = f"{counts['unchanged']} unchanged, {counts['failed']} failed"
    out.print(f"{added} {counted(counts['changed'], 'document')}, {others}")


def _as_json(face: DrawnFace, name: str | None, changed: list[Changed], dry_run: bool) -> dict[str, object]:
    shown = {key: value for key, value in face.entry.items() if key not in ("vector", "crop")}
    documents = [
        {
            "index": one.index,
            "id": one.id,
            "face": next((decision.face for decision in one.decisions if decision.face), None),
            "outcome": one.outcome,
            "reason": one.reason,
        }
        for one in changed
    ]
    return {"dry_run": dry_run, "name": name, **shown, "documents": documents, **_counts(changed)}


def _counts(changed: list[Changed]) -> dict[str, int]:
    outcomes = [one.outcome for one in changed]
    return {outcome: outcomes.count(outcome) for outcome in ("changed", "unchanged", "failed")}
