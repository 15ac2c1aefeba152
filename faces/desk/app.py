"""The desk as a Flask app: every page passes the same guards, and carries the same headers."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, g, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from faces.desk import access, guards, problems
from faces.desk.current import COOKIE, session
from faces.desk.pages import ask, decide, groups, people, photo, review, sign_in
from faces.desk.sessions import Sessions
from faces.desk.settings import DeskSettings
from faces.desk.shown import FILTERS

WITHOUT_SESSION = {"static", "health"}
OPEN = WITHOUT_SESSION | {"sign_in.form", "sign_in.send"}
"""Pages for which nobody needs to be signed in."""


def create_app(settings: DeskSettings) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = 2_000_000
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["desk"] = settings
    sessions = app.extensions["desk_sessions"] = Sessions()
    shared = None if settings.has_users else settings.connection.elasticsearch()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    for page in (ask, photo, decide, review, groups, people, sign_in):
        app.register_blueprint(page.page)
    app.add_url_rule("/healthz", "health", lambda: {"status": "ok"})

    @app.before_request
    def guard() -> Response | None:
        guards.require_own_host(settings)
        guards.require_own_origin()
        g.session = None
        if request.endpoint in WITHOUT_SESSION:
            return None
        g.session = sessions.get(request.cookies.get(COOKIE))
        if g.session is None and shared is not None:
            g.session = access.without_users(settings.connection, shared)
            g.new_key = sessions.add(g.session)
        if request.endpoint in OPEN:
            return None
        if g.session is None:
            back = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("sign_in.form", next=back), 303)
        if request.method == "POST":
            guards.require_token(session())
        return None

    @app.after_request
    def harden(response: Response) -> Response:
        guards.set_headers(response, settings)
        if key := g.pop("new_key", None):
            guards.set_cookie(response, settings, key)
        return response

    @app.context_processor
    def of_every_page() -> dict[str, Any]:
        return {
            "settings": settings,
            "session": g.get("session"),
            "flash": g.session.take_flash() if g.get("session") else None,
            "once": lambda: secrets.token_urlsafe(12),
        }

    app.register_error_handler(HTTPException, problems.of_http)
    app.register_error_handler(Exception, problems.answer)
    return app
