"""Metrics and JSON log lines. Neither ever holds a photo or a vector."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The service's own counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.networks = Info(
            "faces_networks", "The served model, and what embeds its faces", registry=self.registry
        )
        self.requests = Counter(
            "faces_requests", "Requests answered", ["path", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "faces_request_seconds", "Time to answer", ["path"], registry=self.registry, buckets=SECONDS
        )
        self.photos = Counter("faces_photos", "Photos answered", registry=self.registry)
        self.faces = Counter("faces_faces", "Faces found", registry=self.registry)
        self.errors = Counter(
            "faces_errors", "Errors of photos and requests", ["code"], registry=self.registry
        )
        self.stage_seconds = Histogram(
            "faces_stage_seconds", "Time in a stage", ["stage"], registry=self.registry, buckets=SECONDS
        )
        self.batch_size = Histogram(
            "faces_batch_size",
            "Faces embedded together",
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32),
        )
        self.queue_depth = Gauge(
            "faces_queue_depth", "Photos admitted, and faces waiting", ["queue"], registry=self.registry
        )

        self.decoders_ended = Counter(
            "faces_decoders_ended",
            "Processes ended while they decoded a photo: its CPU time was used up, it crashed, or killed",
            ["cause"],
            registry=self.registry,
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures the time in a stage: ``decode``, ``detect``, ``pictures`` (renditions), ``embed``."""
        with self.stage_seconds.labels(name).time():
            yield

    def text(self) -> bytes:
        return generate_latest(self.registry)


class JsonLines(logging.Formatter):
    """One JSON object a line, with ECS field names."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {
            "@timestamp": moment.replace("+00:00", "Z"),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "ecs", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["error.type"] = record.exc_info[0].__name__
            line["error.stack_trace"] = where(record.exc_info[1])
        return json.dumps(line)


def set_up_logging() -> None:
    """JSON lines on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def log_native_lines() -> None:
    """Logs what C libraries write to standard error (libtiff does for damaged photos), at most
    one line a second, so that a damaged photo can't fill a disk. Our own lines keep the real standard error.
    """
    real = os.fdopen(os.dup(2), "w", buffering=1)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(real)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    threading.Thread(target=_log_lines, args=(reading,), name="native", daemon=True).start()


def _log_lines(reading: int) -> None:
    next_at = 0.0
    with os.fdopen(reading, errors="replace") as lines:
        for line in lines:
            if time.monotonic() >= next_at:
                logging.getLogger("ingest_service.native").warning(line.strip()[:300])
                next_at = time.monotonic() + 1


def where(error: BaseException | None) -> str:
    """Where an exception came from, without its text, which could hold a part of a photo."""
    return "".join(traceback.format_tb(error.__traceback__)) if error else ""


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self._start
