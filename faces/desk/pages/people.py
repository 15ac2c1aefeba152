"""People: who is known, and a page for each, with rename, merge, export and forget."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.decisions.journal import Journal
from faces.decisions.labelling import known_name
from faces.decisions.one_for_another import NameReplacement
from faces.desk import person as persons
from faces.desk.current import back_to, session, settings
from faces.desk.pages.decide import flash, told
from faces.desk.person import A_PAGE
from faces.desk.settings import BOARD, kql
from faces.desk.shown import count
from faces.erasure.forgetting import Forgetting, refresh
from faces.erasure.forgotten import require_installed
from faces.erasure.keyed_hashes import existing, made
from faces.erasure.planning import ForgetPlan
from faces.erasure.scope import scope_of
from faces.erasure.subject import Subject
from faces.erasure.unreachable import unreachable
from faces.listing.exporting import columns, exported
from faces.listing.people import ListedPerson
from faces.people import did_you_mean
from faces.reembedding.old_indices import old_indices, require_erasable, require_open
from faces.searchable import searchable
from faces.shown import csv_text
from ingest_service.errors import WrongArguments

page = Blueprint("people", __name__)
LISTED = 60
EXPUNGE_S = 60
"""Seconds to wait, at most, until segments can be rewritten."""


@page.get("/people")
def index() -> str:
    es, wanted = session().es, request.args.get("q", "").strip()
    every = persons.everybody(es, settings())
    found = [one for one in every if wanted.casefold() in one.name.casefold()]
    start = max(0, request.args.get("from", 0, int))
    shown = found[start : start + LISTED]
    return render_template(
        "people.html",
        people=shown,
        crops=persons.faces_of_people(es, settings(), [one.name for one in shown]),
        total=len(found),
        wanted=wanted,
        instead=did_you_mean(wanted, {one.name for one in every}) if wanted and not found else None,
        next=start + LISTED if start + LISTED < len(found) else None,
    )


@page.get("/names")
def names() -> dict[str, list[str]]:
    """For a form to complete."""
    wanted = request.args.get("q", "").strip()
    return {"names": persons.names_like(session().es, settings(), wanted) if wanted else []}


@page.get("/person")
def show() -> str:
    es, person = session().es, _person(request.args.get("name", ""))
    where = searchable(es, settings().places)
    start = max(0, request.args.get("from", 0, int))
    return render_template(
        "person.html",
        person=person,
        portraits=persons.portraits(es, settings(), person.name),
        photos=persons.photos_of(es, settings(), person.name, start),
        companions=persons.companions(es, where, person.name),
        periods=persons.periods(es, where, person),
        start=start,
        next=start + A_PAGE if start + A_PAGE < person.photos else None,
        board=settings().board(BOARD, kql("people", person.name)),
    )


@page.post("/person/rename")
def rename() -> Response:
    return _replaced("rename")


@page.post("/person/merge")
def merge() -> Response:
    return _replaced("merge")


@page.get("/person/export.csv")
def export() -> Response:
    es, name = session().es, known_name(request.args.get("name", ""))
    rows = exported(es, searchable(es, settings().places), name, Journal(es))
    lines = [csv_text.row(columns()), *(csv_text.row(one.values()) for one in rows)]
    response = Response("".join(f"{line}\r\n" for line in lines), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename="faces.csv")
    return response


@page.get("/person/forget")
def ask_to_forget() -> str:
    return render_template("forget.html", person=_person(request.args.get("name", "")), plan=_plan())


@page.post("/person/forget")
def forget() -> str | Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if answer:
            return answer[0]
        name = known_name(request.form.get("name", ""))
        if request.form.get("confirm", "").strip() != name:
            raise WrongArguments("type the person's name to confirm that everything of theirs goes")
        plan = _plan(name)
        wanted = set(request.form.getlist("also"))
        plan = plan.also([one for one in plan.similar if one.face.id in wanted])
        old = old_indices(me.es)
        require_open(old, plan.scope.closed)
        require_erasable(me.es, old, {found.index for found in plan.findings.documents})
        done = _forget(plan)
        beyond = unreachable(me.es, plan.scope, done.run.indices)
        answer.append(render_template("forgotten.html", name=name, done=done, beyond=beyond))
    return answer[0]


def _person(name: str) -> ListedPerson:
    wanted = known_name(name)
    found = persons.everybody(session().es, settings(), wanted)
    if not found:
        abort(404, f"Nobody is called {wanted} here.")
    return found[0]


def _replaced(action: Literal["rename", "merge"]) -> Response:
    me = session()
    with me.once(request.form.get("once", "")) as answer:
        if not answer:
            old, new = request.form.get("old", ""), request.form.get("new", "")
            where = searchable(me.es, settings().everywhere)
            replacement = NameReplacement.begin(me.es, where, action, old, new)
            changed, problems = told(replacement.run())
            what = f"{replacement.old} is {replacement.new} now, on {count(changed, 'face')}"
            me.flash = flash(what, replacement.operation.id, problems)
            answer.append(url_for("people.show", name=replacement.new))
    return back_to(answer[0])


def _plan(name: str | None = None) -> ForgetPlan:
    """Without a name, of the page's own, for looking: that makes no key."""
    es = session().es
    require_installed(es)
    who = known_name(name or request.args.get("name", ""))
    hashes = existing(es) if name is None else made(es)
    scope = scope_of(es, None)
    refresh(es, scope)
    return ForgetPlan.of(es, scope, hashes, Subject(who), hashes.of_name(who) if hashes else "")


def _forget(plan: ForgetPlan) -> Forgetting:
    forgetting = plan.forgetting()
    forgetting.begin(plan.findings)
    for _ in forgetting.remove(plan.findings):
        pass
    forgetting.blank_journal()
    for _ in forgetting.expunge(EXPUNGE_S):
        pass
    forgetting.prove()
    forgetting.finish()
    return forgetting
