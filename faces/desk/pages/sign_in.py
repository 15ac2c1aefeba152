"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.desk import access
from faces.desk.access import SignInFailed
from faces.desk.current import COOKIE, came_from, settings
from faces.desk.sessions import Sessions

page = Blueprint("sign_in", __name__)


@page.get("/sign-in")
def form() -> str | Response:
    if g.session is not None:
        return redirect("/", 303)
    return _form(request.args.get("next", "/"), expired="expired" in request.args)


@page.post("/sign-in")
def send() -> str | Response | tuple[str, int]:
    given = {name: request.form.get(name, "") for name in ("user", "password", "api_key")}
    try:
        session = access.sign_in(settings(), **{name: value.strip() for name, value in given.items()})
    except SignInFailed as error:
        return _form(request.form.get("back", "/"), problem=str(error), user=given["user"]), 401
    # A key of before the sign-in is never taken over.
    g.session, g.new_key = session, _sessions().add(session)
    return redirect(came_from("/"), 303)


@page.post("/sign-out")
def end() -> Response:
    _sessions().end(request.cookies.get(COOKIE))
    response = redirect(url_for("sign_in.form"), 303)
    response.delete_cookie(COOKIE)
    return response


def _form(back: str, **more: object) -> str:
    return render_template("sign_in.html", back=back, **more)


def _sessions() -> Sessions:
    sessions: Sessions = current_app.extensions["desk_sessions"]
    return sessions
