"""What a person says about faces, single ones or a row that was selected; and taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.decisions.changing import Changed
from faces.decisions.choosing import with_faces_of
from faces.decisions.deciding import EDITS, Deciding
from faces.decisions.documents import face_id
from faces.decisions.entries import Action
from faces.decisions.journal import Journal
from faces.decisions.labelling import FaceEdits, one_name
from faces.decisions.undoing import can_be_undone, to_undo, undo
from faces.desk.crops import FaceId
from faces.desk.current import back_to, came_from, session, settings
from faces.desk.sessions import Flash
from faces.desk.shown import count
from faces.searchable import searchable
from ingest_service.errors import WrongArguments

page = Blueprint("decide", __name__)

DONE: dict[Action, str] = {
    "label": "{faces} named {names}",
    "unlabel": "{faces} without a name again",
    "not": "{faces} told apart from {names}",
    "ignore": "{faces} ignored",
    "unignore": "{faces} no longer ignored",
}
LISTED = 50


@page.post("/decide")
def send() -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            me.flash = _decide()
            answer.append(came_from("/"))
    return back_to(answer[0])


@page.post("/undo")
def take_back() -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            me.flash = _undo(request.form.get("operation") or None)
            answer.append(came_from(url_for("decide.journal")))
    return back_to(answer[0])


@page.get("/decisions")
def journal() -> str:
    recorded = Journal(session().es).operations(size=LISTED)
    return render_template("decisions.html", recorded=recorded, can_be_undone=can_be_undone)


def _decide() -> Flash:
    action = next((one for one in EDITS if one == request.form.get("action")), None)
    if action is None:
        raise WrongArguments("choose what to say about the faces")
    faces = [FaceId.of(text) for text in request.form.getlist("face")]
    if not faces:
        return Flash("No face was selected.", failed=True)
    name = request.form.get("name", "")
    is_needed = action == "label" or (action == "not" and name.strip())
    return say(action, faces, [one_name(name)] if is_needed else [])


def say(action: Action, faces: Sequence[FaceId], names: Sequence[str] = ()) -> Flash:
    """Writes down one thing about all of these faces, in each document that has them."""
    es, where = session().es, searchable(session().es, settings().places)
    edits, edit = FaceEdits(), EDITS[action](names)
    for one in faces:
        edits.add_by_id((one.index, one.document), one.face, edit)
    ids = {one.face for one in faces if not one.face.startswith("#")}
    for document in with_faces_of(es, where, ids):
        for place, face in enumerate(document.faces):
            if (own := face_id(face, place)) in ids:
                edits.add_by_id(document.key, own, edit)
    deciding = Deciding.begin(es, where, action, [*map(str, faces), *names])
    changed, problems = told(deciding.make(edits))
    who = ", ".join(names) or "whom they were shown as"
    what = DONE[action].format(faces=count(changed, "face"), names=who)
    return flash(what, deciding.operation.id if changed else None, problems)


def told(results: Iterable[Changed]) -> tuple[int, list[str]]:
    """How many faces were changed, and why others weren't."""
    changed, problems = 0, []
    for one in results:
        if one.outcome == "changed":
            changed += one.faces
        elif one.outcome == "failed":
            problems.append(f"{one.path or one.id}: {one.reason}")
    return changed, problems


def flash(what: str, operation: str | None, problems: Sequence[str]) -> Flash:
    if not problems:
        return Flash(f"{what}.", operation)
    return Flash(f"{what}; {len(problems)} not changed: {problems[0]}.", operation, failed=True)


def _undo(operation: str | None) -> Flash:
    es = session().es
    journal = Journal(es)
    last = to_undo(journal, operation)
    undoing = journal.begin("undo", undoes=last.id)
    since: list[str] = []

    def results() -> Iterable[Changed]:
        for changed, stays in undo(es, journal, undoing):
            since.extend(stays)
            yield changed

    changed, problems = told(results())
    if not problems:
        journal.finish(undoing)
    kept = f", but {since[0]}" if since else ""
    return flash(f"Taken back: {last.action} of {count(changed, 'face')}{kept}", None, problems)
