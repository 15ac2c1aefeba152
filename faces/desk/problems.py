"""What a person reads when something goes wrong: what it is, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from elasticsearch import ApiError, AuthenticationException, AuthorizationException, TransportError
from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from es_setup.connection import ConnectionFailed, ServiceRefused, innermost_reason
from faces.desk.current import COOKIE
from faces.desk.sessions import Busy
from faces.photo_faces import NoInference, PhotoRefused
from ingest_service.errors import UserError

log = logging.getLogger("ingest_face.desk")


def answer(error: Exception) -> Response:
    """A page, or the way back to signing in."""
    if isinstance(error, AuthenticationException):
        return _signed_out()
    status, title, text = told(error)
    if status == 500:
        # Neither its message nor its locals: they may hold a piece of a photo.
        log.error("%s in %s", type(error).__name__, request.endpoint, exc_info=False)
    return page(status, title, text)


def of_http(error: HTTPException) -> Response:
    code = error.code or 500
    titles = {403: "Not sent", 404: "Not here", 405: "Not here", 413: "Too large"}
    texts = {
        404: "There is no such page, photo or face; it may have been deleted meanwhile.",
        405: "This address takes forms only from the desk's own pages.",
    }
    if isinstance(error, RequestEntityTooLarge):
        return page(413, "Too large", "The photo is larger than 30 MB. Save a smaller copy, and drop that.")
    return page(code, titles.get(code, "Not done"), texts.get(code, str(error.description)))


def told(error: Exception) -> tuple[int, str, str]:
    """Status, title and sentence of what went wrong."""
    for kind, status, title, sentence in KNOWN:
        if isinstance(error, kind):
            return status, title, sentence(error)
    return 500, "Something went wrong", "It is a fault of the desk, whose log names it."


def _of_service(error: Any) -> str:
    if error.retry_after is not None:
        return "The face service is busy. Nothing was changed: try again in a moment."
    return str(error)


KNOWN: tuple[tuple[type[Exception], int, str, Callable[[Any], str]], ...] = (
    (PhotoRefused, 422, "This photo can't be used", lambda error: str(error.reason)),
    (Busy, 409, "Already under way", lambda _: "This was sent twice. It is done once: open the page again."),
    (ServiceRefused, 503, "The face service refuses", _of_service),
    (ConnectionFailed, 503, "A server doesn't answer", str),
    (NoInference, 503, "Nobody can look at photos now", str),
    (UserError, 400, "Not done", str),
    (
        AuthorizationException,
        403,
        "You may not do this",
        lambda error: f"{innermost_reason(error)}. Ask whoever gives out roles.",
    ),
    (ApiError, 502, "Elasticsearch refuses", innermost_reason),
    (
        TransportError,
        503,
        "Elasticsearch doesn't answer",
        lambda _: "Nothing was changed. Try again once it runs.",
    ),
)
"""Kind of error -> status, title, and its sentence; the first that fits."""


def page(status: int, title: str, text: str) -> Response:
    return Response(
        render_template("problem.html", title=title, text=text), status=status, mimetype="text/html"
    )


def _signed_out() -> Response:
    response = redirect(url_for("sign_in.form", expired="1"), 303)
    response.delete_cookie(COOKIE)
    return response
