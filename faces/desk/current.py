"""What belongs to the request that is being answered."""

from __future__ import annotations

from typing import cast

from flask import current_app, g, redirect, request
from werkzeug.wrappers import Response

from faces.desk.sessions import Flash, Session
from faces.desk.settings import DeskSettings

COOKIE = "faces_desk"


def session() -> Session:
    """Whose request it is."""
    return cast("Session", g.session)


def settings() -> DeskSettings:
    return cast("DeskSettings", current_app.extensions["desk"])


def back_to(address: str, flash: Flash | None = None) -> Response:
    """After a form: the page that it came from, with a sentence about what was done."""
    if flash:
        session().flash = flash
    return redirect(address, 303)


def came_from(default: str) -> str:
    """The page of this desk that a form names as its own."""
    wanted = request.form.get("back", "")
    return wanted if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) else default
