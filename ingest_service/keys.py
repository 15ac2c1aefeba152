"""The service's keys: who is let in."""

from __future__ import annotations

import hmac

from flask import request

from ingest_service.errors import FaceServiceError
from ingest_service.settings import Settings


def is_authorized(authorization: str, api_keys: tuple[str, ...]) -> bool:
    """Whether a request with this ``Authorization`` is let in; each is where there are no keys."""
    if not api_keys:
        return True
    scheme, _, given = authorization.partition(" ")
    # Every key is compared, so that the time taken doesn't reveal which one was close.
    matches = [hmac.compare_digest(given.encode("latin-1"), key.encode()) for key in api_keys]
    return scheme.lower() in ("bearer", "apikey") and any(matches)


def authorize(api_keys: tuple[str, ...]) -> None:
    """
    Raises:
        FaceServiceError: ``unauthorized``.
    """
    if not is_authorized(request.headers.get("Authorization", ""), api_keys):
        raise FaceServiceError("unauthorized", "the service's key is missing or wrong")


def authorize_page(page: str, settings: Settings) -> None:
    """Asks for the key, unless the page is an open one.

    Args:
        page: a value of FACES_OPEN_PAGES.

    Raises:
        FaceServiceError: ``unauthorized``.
    """
    if page not in settings.open_pages:
        authorize(settings.api_keys)
