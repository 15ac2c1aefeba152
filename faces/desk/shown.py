"""Values as the pages show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faces.explore.stored_faces import decoded
from faces.matches import Match

KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
"""The first bytes of a picture that a browser shows -> its media type."""


def media_type(data: bytes) -> str | None:
    """By content; None for what a browser doesn't show."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in KINDS.items() if data.startswith(start)), None)


def data_uri(picture: object) -> str:
    """A stored crop or thumbnail for an ``img``; empty where it is none."""
    data = decoded(picture) if isinstance(picture, str) else None
    kind = media_type(data) if data else None
    return f"data:{kind};base64,{picture}" if kind else ""


def similarity(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def chance(probability: float) -> str:
    """Never 0 or 100 %."""
    if probability > 0.99:
        return "> 99 %"
    return "< 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def who(match: Match) -> str:
    """Who a stored face is, as people said; a guess with a question mark."""
    return match.name or (f"{match.guess}?" if match.guess else "unknown")


def day(moment: Any) -> str:
    """The date of an ISO 8601 time."""
    return str(moment)[:10] if moment else ""


def count(number: int, what: str, several: str | None = None) -> str:
    """Such as ``1 face`` and ``2 faces``."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"


FILTERS: dict[str, Callable[..., str]] = {
    "picture": data_uri,
    "similarity": similarity,
    "chance": chance,
    "who": who,
    "day": day,
    "count": count,
}
