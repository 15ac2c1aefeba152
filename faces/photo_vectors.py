"""Photos to vectors, by the inference service."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from es_setup.connection import ConnectionFailed, Service, ServiceRefused

AT_ONCE = 8
"""Photos on their way at once: the service embeds eight faces together, and others may ask it meanwhile."""
TRIES = 10
LONGEST_WAIT = 30
"""Seconds. With waits that double from what the service asks for, ten tries are two and a half minutes."""
RECONNECTIONS = 4
"""To a service that is gone: for 15 seconds, in which one that was restarted is back."""


@dataclass(frozen=True)
class Embedded:
    """
    vector: of the photo's largest face; None if it has none, or can't be read.
    error: why it can't be read, as one of the service's codes, or ``unreadable_file``.
    """

    vector: list[float] | None = None
    error: str | None = None


def embed(service: Service, model: str, photos: Sequence[Path]) -> Generator[Embedded, None, None]:
    """What became of each photo, in order. To be closed, so that no more are sent once nobody wants them.

    Raises:
        ConnectionFailed: the service can't be reached, stays busy, or serves another model meanwhile.
    """
    over = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            yield from threads.map(lambda photo: _embed(service, model, photo, over), photos)
        finally:
            over.set()


def _embed(service: Service, model: str, photo: Path, over: threading.Event) -> Embedded:
    try:
        data = photo.read_bytes()
    except OSError:
        return Embedded(error="unreadable_file")
    try:
        result = _patiently(service, model, data, over)
    except ServiceRefused as refused:
        if refused.status == 413:
            return Embedded(error="too_large")
        raise
    if "error" in result:
        return Embedded(error=result["error"]["code"])
    return Embedded(result["faces"][0]["vector"] if result["faces"] else None)


def _patiently(service: Service, model: str, photo: bytes, over: threading.Event) -> dict[str, Any]:
    for tried in range(TRIES - 1):
        try:
            return service.largest_face(photo, model)
        except ServiceRefused as refused:
            wait = refused.retry_after
            if wait is None:
                raise
        except ConnectionFailed:
            wait = 1.0
            if tried >= RECONNECTIONS:
                raise
        if over.wait(min(wait * 2**tried, LONGEST_WAIT)):
            break
    return service.largest_face(photo, model)
