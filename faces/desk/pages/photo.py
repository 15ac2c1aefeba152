"""A stored photo: its faces in their boxes, its original, the same picture elsewhere."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.copies.asked import NothingToCompare, stored_photo
from faces.copies.versions import Versions, versions
from faces.decisions.adding import NotAdded, add_face, drawn_face
from faces.decisions.changing import Changed
from faces.decisions.choosing import copies_of
from faces.decisions.journal import Journal
from faces.decisions.labelling import one_name
from faces.desk.current import back_to, session, settings
from faces.desk.sessions import Flash
from faces.desk.settings import BOARD, kql
from faces.desk.shown import media_type
from faces.desk.view import ViewedPhoto, kept_photo, viewed
from faces.erasure.kept_away import KeptAway
from faces.indexing.contents import content_of
from faces.searchable import Searchable, searchable
from ingest_service.errors import WrongArguments

page = Blueprint("photo", __name__)
SIDES = ("x", "y", "width", "height")


@page.get("/photo")
def show() -> str:
    where, photo = _photo()
    me = session()
    data = kept_photo(me.es, where, photo)
    return render_template(
        "photo.html",
        photo=photo,
        is_kept=data is not None,
        is_showable=data is not None and media_type(data) is not None,
        chosen=request.args.get("face"),
        versions=_versions(where, photo) if "versions" in request.args else None,
        board=settings().board(BOARD, kql("file.path", photo.document.path)),
    )


@page.get("/portrait")
def portrait() -> Response:
    """The portrait of this id, in whichever index behind the gallery's name."""
    key, where = request.args.get("id", ""), searchable(session().es, settings().gallery)
    hits = session().es.search(
        index=where.name, query={"ids": {"values": [key]}}, size=1, source=False, track_total_hits=False
    )["hits"]["hits"]
    if not hits:
        abort(404)
    return redirect(url_for("photo.show", index=hits[0]["_index"], id=hits[0]["_id"]), 303)


@page.get("/photo/picture")
def picture() -> Response:
    where, photo = _photo()
    data = kept_photo(session().es, where, photo)
    kind = media_type(data) if data else None
    if data is None or kind is None:
        abort(404)
    response = make_response(data)
    response.mimetype = kind
    return response


@page.post("/photo/add-face")
def add() -> Response:
    me, address = session(), url_for("photo.show", index=request.form["index"], id=request.form["id"])
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            told = _add()
            me.flash = told
            answer.append(address)
    return back_to(answer[0])


def _add() -> Flash:
    """Embeds the face in the box that was drawn, and adds it."""
    me = session()
    where = searchable(me.es, settings().places)
    try:
        box = {side: round(float(request.form[side])) for side in SIDES}
    except (KeyError, ValueError):
        raise WrongArguments("draw a box around the face first") from None
    name = request.form.get("name", "").strip()
    who = one_name(name) if name else None
    sent = request.files.get("file")
    file = sent.read() if sent else None
    documents = copies_of(me.es, where, (request.form["index"], request.form["id"]))
    given = documents[0].path if documents else request.form["id"]
    face = drawn_face(me.es, me.connection.service(), where, documents, box, given, file or None)
    if KeptAway(me.es).is_forgotten(content_of(given, face.photo), face.entry["box"], face.size):
        raise NotAdded("the face at this place was forgotten: it isn't added again")
    done: list[Changed] = list(add_face(me.es, Journal(me.es), where, face, who))
    changed = sum(one.outcome == "changed" for one in done)
    problem = next((one.reason for one in done if one.reason), None)
    if not changed:
        return Flash(f"No face was added: {problem or 'it is there already'}.", failed=True)
    doubt = "" if face.is_detected else " No face is seen in this box: check it."
    return Flash(f"A face was added{f': {who}' if who else ''}.{doubt}")


def _photo() -> tuple[Searchable, ViewedPhoto]:
    where = searchable(session().es, settings().everywhere)
    index, key = request.args.get("index", ""), request.args.get("id", "")
    photo = viewed(session().es, where, index, key) if index in where.recorded and key else None
    if photo is None:
        abort(404)
    return where, photo


def _versions(where: Searchable, photo: ViewedPhoto) -> Versions | None:
    me = session()
    try:
        return versions(me.es, where, stored_photo(me.es, where, photo.document.key, photo.name))
    except NothingToCompare:
        return None
