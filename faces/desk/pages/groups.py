"""Groups of faces that nobody has named."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.decisions.journal import Journal
from faces.decisions.labelling import one_name
from faces.desk.crops import FaceId, crops_of_faces
from faces.desk.current import back_to, session, settings
from faces.desk.pages.decide import flash, told
from faces.desk.sessions import Flash
from faces.desk.shown import count
from faces.grouping.deciding import GroupNaming, split
from faces.grouping.listing import members, sizes, with_photos
from faces.searchable import Searchable, searchable

page = Blueprint("groups", __name__)
A_PAGE = 12
MOST_FACES = 200
"""Of a group that are shown."""


@page.get("/groups")
def index() -> str:
    es, where = session().es, _where()
    every = sizes(es, where)
    start = max(0, request.args.get("from", 0, int))
    shown = with_photos(es, where, every[start : start + A_PAGE])
    ids = {group.id: [FaceId(*member.key, member.face) for member in group.photos] for group in shown}
    return render_template(
        "groups.html",
        groups=shown,
        ids=ids,
        crops=crops_of_faces(es, where, [one for each in ids.values() for one in each]),
        total=len(every),
        next=start + A_PAGE if start + A_PAGE < len(every) else None,
    )


@page.get("/groups/<group>")
def show(group: str) -> str:
    es, where = session().es, _where()
    every = members(es, where, group)
    ids = [FaceId(*member.key, member.face) for member in every[:MOST_FACES]]
    return render_template(
        "group.html",
        group=group,
        members=list(zip(ids, every, strict=False)),
        total=len(every),
        crops=crops_of_faces(es, where, ids),
    )


@page.post("/groups/<group>/name")
def name(group: str) -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            me.flash = _name(group, one_name(request.form.get("name", "")))
            answer.append(url_for("groups.index"))
    return back_to(answer[0])


@page.post("/groups/<group>/split")
def tell_apart(group: str) -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            me.flash = _split(group, [FaceId.of(text) for text in request.form.getlist("face")])
            answer.append(url_for("groups.show", group=group))
    return back_to(answer[0])


def _name(group: str, who: str) -> Flash:
    es, where, journal = session().es, _where(), Journal(session().es)
    operation = journal.begin("label", [where.name, "group", group, who])
    naming = GroupNaming(group, who)
    changed, problems = told(naming.run(es, journal, operation, where, dry_run=False))
    if not problems:
        journal.finish(operation)
    stays = f"; {count(len(naming.contradicting), 'face')} unnamed" if naming.contradicting else ""
    return flash(f"{count(changed, 'face')} named {who}{stays}", operation.id if changed else None, problems)


def _split(group: str, faces: list[FaceId]) -> Flash:
    if not faces:
        return Flash("No face was selected.", failed=True)
    es, where, journal = session().es, _where(), Journal(session().es)
    operation = journal.begin("split", [where.name, group, *sorted(map(str, faces))])
    apart = [((one.index, one.document), one.face) for one in faces]
    _, problems = told(split(es, journal, operation, where, group, apart))
    if not problems:
        journal.finish(operation)
    return flash(f"{count(len(faces), 'face')} told apart from the group", operation.id, problems)


def _where() -> Searchable:
    return searchable(session().es, settings().places)
