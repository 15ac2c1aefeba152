"""Dropping a photo: who is on it, and where else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.desk import asking
from faces.desk.asked_photos import AskedPhoto
from faces.desk.asking import BEST, MOST
from faces.desk.at_once import both
from faces.desk.current import back_to, session, settings
from faces.desk.sessions import Flash
from faces.names import tidy
from faces.photo_faces import PhotoRefused
from faces.searching import FaceQuery

page = Blueprint("ask", __name__)


@page.get("/")
def form() -> str:
    return render_template("ask.html")


@page.post("/ask")
def send() -> Response:
    sent = request.files.get("photo")
    data = sent.read() if sent else b""
    if not sent or not data:
        raise PhotoRefused("empty", "There is no photo in this form: choose one, or drop it on the page.")
    me = session()
    found = asking.look_at(me.connection, me.es, settings(), data)
    photo = me.photos.add(sent.filename or "photo", data, found)
    return back_to(url_for("ask.show", photo=photo.id))


@page.get("/asked/<photo>")
def show(photo: str) -> str:
    asked, me = _asked(photo), session()
    chosen = min(max(request.args.get("face", 0, int), 0), max(0, len(asked.found.faces) - 1))
    own, query = settings(), _query(asked, chosen)
    faces, matches = both(
        lambda: asking.people_on(me.es, own, asked.found),
        lambda: asking.elsewhere(me.es, own, query) if query else [],
    )
    return render_template(
        "asked.html",
        photo=asked,
        faces=faces,
        chosen=faces[chosen] if faces else None,
        matches=matches,
        elsewhere=asking.named_elsewhere(matches),
        query=query,
        filters=_filters(),
        more=min(MOST, query.k + 10) if query and len(matches) == query.k < MOST else None,
    )


@page.get("/asked/<photo>/picture")
def picture(photo: str) -> Response:
    asked = _asked(photo)
    if not asked.is_showable:
        abort(404)
    response = make_response(asked.data)
    response.mimetype = asked.mime_type
    return response


@page.post("/asked/<photo>/keep")
def keep(photo: str) -> Response:
    asked, me = _asked(photo), session()
    index, key = asking.keep_as_probe(me.connection, me.es, settings(), asked)
    return back_to(
        url_for("photo.show", index=index, id=key), Flash(f"{asked.name} is kept as a probe in {index}.")
    )


def _asked(key: str) -> AskedPhoto:
    asked = session().photos.get(key)
    if asked is None:
        abort(404, "This photo isn't kept any more: drop it again.")
    return asked


def _filters() -> dict[str, str]:
    wanted = {name: request.args.get(name, "").strip() for name in ("name", "since", "until", "observer")}
    return {name: str(tidy(value)) for name, value in wanted.items() if tidy(value)}


def _query(asked: AskedPhoto, chosen: int) -> FaceQuery | None:
    if not asked.found.faces:
        return None
    k = min(max(request.args.get("k", BEST, int), 1), MOST)
    filters: dict[str, Any] = {**_filters()}
    vector = tuple(asked.found.faces[chosen]["vector"])
    return FaceQuery(None, k=k, vector=vector, crops=True, **filters)
