"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden, MisdirectedRequest
from werkzeug.wrappers import Response

from faces.desk.current import COOKIE
from faces.desk.sessions import LONGEST_S, Session
from faces.desk.settings import DeskSettings, is_loopback

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script and no style but the desk's own files: what is written in a name or a path runs nowhere."""


def require_own_host(settings: DeskSettings) -> None:
    """Without users, only a browser that was sent to loopback: else a stranger's page could reach the desk by
    a name of its own that leads here (DNS rebinding).

    Raises:
        MisdirectedRequest: another name was asked for.
    """
    if not settings.has_users and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise MisdirectedRequest("This desk answers on this machine's own addresses alone.")


def require_own_origin() -> None:
    """
    Raises:
        Forbidden: a page of another site sends a form.
    """
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise Forbidden("This form comes from another page.")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden("This form comes from another page.")


def require_token(session: Session) -> None:
    """
    Raises:
        Forbidden: the form isn't of this session.
    """
    sent = request.form.get("csrf") or request.headers.get("X-CSRF-Token") or ""
    if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise Forbidden("This form is of an earlier sign-in: open the page again.")


def set_headers(response: Response, settings: DeskSettings) -> None:
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    # Faces aren't left in a browser's cache; the desk's own files may be.
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if settings.tls_certificate:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def set_cookie(response: Response, settings: DeskSettings, key: str) -> None:
    response.set_cookie(
        COOKIE,
        key,
        max_age=LONGEST_S,
        httponly=True,
        samesite="Strict",
        secure=settings.tls_certificate is not None or request.is_secure,
        path="/",
    )
