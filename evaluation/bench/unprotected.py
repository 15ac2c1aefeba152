"""The service without its protections, to see what they cost: its own threads decode the photos, and
gunicorn's worker gives each connection a thread from its first byte."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from ingest_service import __main__ as service
from ingest_service import photo_queue
from ingest_service.decoders.lanes import Request
from ingest_service.decoders.processes import DecoderProcesses
from ingest_service.decoding import Photo, decode
from ingest_service.serving import server
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics


class ThreadsDecode:
    """In the place of ``DecoderPool``."""

    def __init__(self, _: DecoderProcesses, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._places = threading.Semaphore(settings.workers)

    @contextmanager
    def photo(self, sent: object, _: Request) -> Iterator[Callable[[int | None], Photo]]:
        def decoded(enough: int | None) -> Photo:
            with self._metrics.stage("decode"):
                return decode(sent, self._settings.max_bytes, self._settings.pixel_limit, enough)

        with self._places:
            yield decoded


def main() -> None:
    replaced: list[tuple[Any, str, Any]] = [
        (photo_queue, "DecoderPool", ThreadsDecode),
        (server, "Worker", ThreadWorker),
    ]
    for module, name, value in replaced:
        setattr(module, name, value)
    service.main()


if __name__ == "__main__":
    main()
