"""The queue of uncertain faces, one after the other."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.calibration.indices import judgement_of
from faces.decisions.labelling import one_name
from faces.desk.current import back_to, session, settings
from faces.desk.review_state import ReviewState
from faces.desk.sessions import Flash
from faces.reviewing.deciding import Decided, Review
from faces.reviewing.portraits import crops_of
from faces.reviewing.queue import Queue, UncertainFace
from faces.searchable import searchable
from ingest_service.errors import WrongArguments

page = Blueprint("review", __name__)


@page.get("/review")
def show() -> str:
    me = session()
    with me.review.lock:
        state = me.review
        if "matches" in request.args:
            matches = request.args["matches"] == "1"
            is_begun = state.review is not None and matches == state.with_matches
            state.with_matches = matches
        else:
            is_begun = state.review is not None
        is_over = state.current is None and "over" not in request.args
        if not is_begun or "again" in request.args or is_over:
            state.begin(me.es, _queue(state.with_matches))
        face, total = me.review.current, me.review.total
    crops: dict[str, str] = {}
    if face:
        ids = [one.gallery_id for one in face.candidates if one.gallery_id]
        crops = crops_of(me.es, searchable(me.es, settings().gallery), ids)
    return render_template(
        "review.html",
        face=face,
        total=total,
        with_matches=state.with_matches,
        crops=crops,
    )


@page.post("/review")
def send() -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer, me.review.lock:
        if not answer:
            me.flash = _answered(me.review)
            # What was skipped comes again with the next look, and not at once.
            answer.append(url_for("review.show", over=None if me.review.current else 1))
    return back_to(answer[0])


def _queue(matches: bool) -> Queue:
    es = session().es
    # Candidates come from the gallery: it says how their similarities are judged.
    return Queue(searchable(es, settings().probes), judgement_of(es, settings().gallery), matches)


def _answered(state: ReviewState) -> Flash | None:
    review, face, wanted = state.review, state.current, request.form.get("answer", "")
    if review is None:
        return None
    if wanted == "undo":
        return _undone(state, review)
    if face is None or request.form.get("face") != face.face or request.form.get("id") != face.key[1]:
        # Sent from a page of before: nobody decides about a face that isn't seen.
        return Flash("That face was decided about already.")
    if wanted == "skip":
        state.advance()
        return None
    what, decided = _decided(review, face, wanted)
    state.advance()
    if decided.outcome == "changed":
        state.total = max(0, state.total - 1)
        return Flash(what)
    return Flash(f"Not changed: {decided.reason}.", failed=True)


def _decided(review: Review, face: UncertainFace, wanted: str) -> tuple[str, Decided]:
    if wanted == "reject":
        return "It is none of them.", review.reject(face)
    if wanted == "ignore":
        return "The face is ignored.", review.ignore(face)
    if wanted == "name":
        name = one_name(request.form.get("name", ""))
    else:
        named = {str(place): one.name for place, one in enumerate(face.candidates)}
        if (chosen := named.get(wanted)) is None:
            raise WrongArguments("choose one of the candidates, or give a name")
        name = chosen
    return f"It is {name}.", review.name(face, name)


def _undone(state: ReviewState, review: Review) -> Flash:
    undone = review.undo()
    if undone is None:
        return Flash("There is nothing to undo here: the page Decisions has all of it.")
    face, decided = undone
    if decided.outcome != "changed":
        return Flash(f"Not undone: {decided.reason}.", failed=True)
    state.go_back_to(face)
    state.total += 1
    return Flash("Taken back.")
