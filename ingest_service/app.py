"""The HTTP contract: ``POST /v1/faces``, ``GET /healthz``, ``GET /readyz``."""

from __future__ import annotations

import hmac
import logging
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any

from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ingest_service import pictures, profiles
from ingest_service.decoding import Photo, decode
from ingest_service.detection import LANDMARKS
from ingest_service.errors import FaceServiceError
from ingest_service.profiles import FoundFace, Profile
from ingest_service.quality import Quality, assess
from ingest_service.settings import Settings

RETURNS = ("vector", "crop", "thumbnail", "fingerprint")
PRIORITIES = ("ingest", "search")

log = logging.getLogger("ingest_service")


@dataclass(frozen=True)
class Options:
    """What one photo's sender wants: at most so many faces (largest first), from so much on (0 to 1)."""

    max_faces: int | None = None
    min_confidence: float = 0.0
    min_quality: float = 0.0


@dataclass(frozen=True)
class Call:
    """A request's JSON, checked. ``images`` holds each photo as sent: a bad one fails in its own slot."""

    images: list[tuple[object, Options]]
    returns: frozenset[str]


class Gate:
    """At most ``workers`` requests are computed at once and ``max_waiting`` wait; the next is refused."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        self._running = threading.Semaphore(workers)
        self._admitted = threading.Semaphore(workers + max_waiting)

    @contextmanager
    def enter(self) -> Iterator[None]:
        if not self._admitted.acquire(blocking=False):
            raise FaceServiceError("overloaded", "too many requests wait already")
        try:
            with self._running:
                yield
        finally:
            self._admitted.release()


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application, its networks loaded and warm.

    Raises:
        SettingsError: a setting can't be used.
        WeightsError: the cache lacks the networks.
    """
    settings = settings or Settings.from_environment()
    profile = profiles.load(settings)
    profiles.warm_up(profile)
    gate = Gate(settings.workers, settings.max_waiting)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes

    @app.post("/v1/faces")
    def faces() -> Response:
        started = time.perf_counter()
        _authorize(request, settings.api_key)
        call = _parse(request.get_json(force=True, silent=True), profile, settings)
        with gate.enter():
            results = [
                _answer(profile, image, options, call.returns, settings) for image, options in call.images
            ]
        codes = [result["error"]["code"] for result in results if "error" in result]
        found = sum(len(result.get("faces", ())) for result in results)
        milliseconds = (time.perf_counter() - started) * 1000
        log.info("photos=%d faces=%d errors=%s ms=%.0f", len(results), found, codes, milliseconds)
        return jsonify(model=profile.model.as_json(), results=results)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> Response:
        # The networks are loaded before the first request can be answered.
        return jsonify(status="ready", model=profile.model.as_json())

    app.register_error_handler(FaceServiceError, _whole_request_failed)
    app.register_error_handler(Exception, _unexpected)
    return app


def _authorize(call: Request, api_key: str | None) -> None:
    if api_key is None:
        return
    scheme, _, given = call.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "apikey") or not hmac.compare_digest(
        given.encode(), api_key.encode()
    ):
        raise FaceServiceError("unauthorized", "the service's key is missing or wrong")


def _parse(body: object, profile: Profile, settings: Settings) -> Call:
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise FaceServiceError("bad_request", "the body isn't a JSON object with a list of [images]")
    _only_known(body, {"model", "priority", "return", "images"}, "the body")
    if (wanted := body.get("model")) is not None and wanted != profile.model.id:
        raise FaceServiceError(
            "model_mismatch", f"model [{str(wanted)[:100]}] was asked for, but [{profile.model.id}] is served"
        )
    if body.get("priority", "ingest") not in PRIORITIES:
        raise FaceServiceError("bad_request", f"[priority] must be one of {list(PRIORITIES)}")
    returns = body.get("return", list(RETURNS))
    if not isinstance(returns, list) or not all(name in RETURNS for name in returns):
        raise FaceServiceError("bad_request", f"[return] must be a list of {list(RETURNS)}")
    if not 1 <= len(body["images"]) <= settings.max_images:
        raise FaceServiceError("bad_request", f"[images] must hold 1 to {settings.max_images} photos")
    images = []
    for position, item in enumerate(body["images"]):
        if not isinstance(item, dict):
            raise FaceServiceError("bad_request", f"[images][{position}] isn't an object with an [image]")
        _only_known(item, {"image", "options"}, f"[images][{position}]")
        images.append((item.get("image"), _options(item.get("options") or {}, position)))
    return Call(images, frozenset(returns))


def _options(given: object, position: int) -> Options:
    place = f"[images][{position}][options]"
    if not isinstance(given, dict):
        raise FaceServiceError("bad_request", f"{place} isn't an object")
    _only_known(given, set(Options.__dataclass_fields__), place)
    most = given.get("max_faces")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise FaceServiceError("bad_request", f"{place}[max_faces] must be a whole number above 0")
    for name in ("min_confidence", "min_quality"):
        value = given.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise FaceServiceError("bad_request", f"{place}[{name}] must be a number from 0 to 1")
    return Options(most, float(given.get("min_confidence", 0)), float(given.get("min_quality", 0)))


def _only_known(given: Mapping[str, object], known: set[str], place: str) -> None:
    if unknown := sorted(str(name)[:50] for name in given if name not in known):
        raise FaceServiceError(
            "bad_request", f"{place} has unknown fields {unknown}, valid are {sorted(known)}"
        )


def _answer(
    profile: Profile, image: object, options: Options, returns: frozenset[str], settings: Settings
) -> dict[str, Any]:
    """One photo's result; its own failure stands in its place and touches no other photo."""
    try:
        photo = decode(image, settings.max_bytes, settings.max_pixels)
        return _describe(profile, photo, options, returns)
    except FaceServiceError as error:
        return error.as_json()
    except Exception as error:
        _log_without_content(error)
        return FaceServiceError("internal", "the photo couldn't be worked on").as_json()


def _describe(profile: Profile, photo: Photo, options: Options, returns: frozenset[str]) -> dict[str, Any]:
    wanted: list[tuple[FoundFace, Quality]] = []
    for face in profile.find(photo.pixels):
        quality = assess(face.detection, face.aligned)
        if face.detection.confidence >= options.min_confidence and quality.score >= options.min_quality:
            wanted.append((face, quality))
    wanted = wanted[: options.max_faces]
    described = [_face(face, quality) for face, quality in wanted]
    if "vector" in returns:
        vectors = profile.embed([face for face, _ in wanted])
        for entry, vector in zip(described, vectors, strict=True):
            entry["vector"] = [float(f"{value:.8g}") for value in vector]
    if "crop" in returns:
        for entry, (face, _) in zip(described, wanted, strict=True):
            entry["crop"] = pictures.crop(photo.pixels, face.detection)
    result: dict[str, Any] = {
        "faces": described,
        "photo": {"width": photo.width, "height": photo.height},
        "file": {"size": photo.size, "mime_type": photo.mime_type, "hash": {"sha256": photo.sha256}},
    }
    if photo.taken:
        result["photo"]["taken"] = photo.taken
    if "fingerprint" in returns:
        result["photo"]["fingerprint"] = pictures.fingerprint(photo.pixels)
    if "thumbnail" in returns:
        result["thumbnail"] = pictures.thumbnail(photo.pixels)
    return result


def _face(face: FoundFace, quality: Quality) -> dict[str, Any]:
    """Box, confidence, quality and landmarks; boxes in whole pixels of the upright photo."""
    x, y, width, height = face.detection.box
    points = zip(LANDMARKS, face.detection.landmarks.tolist(), strict=True)
    return {
        "box": {"x": round(x), "y": round(y), "width": max(1, round(width)), "height": max(1, round(height))},
        "confidence": round(face.detection.confidence, 4),
        "quality": quality.as_json(),
        "landmarks": {
            name: {"x": round(px, 1), "y": round(py, 1)} for name, (px, py) in points if isfinite(px)
        },
    }


def _whole_request_failed(error: FaceServiceError) -> tuple[Response, int, dict[str, str]]:
    headers = {"Retry-After": "1"} if error.code == "overloaded" else {}
    return jsonify(error.as_json()), error.status, headers


def _unexpected(error: Exception) -> tuple[Response, int, dict[str, str]]:
    if isinstance(error, RequestEntityTooLarge):
        return _whole_request_failed(FaceServiceError("body_too_large", "the request is too large"))
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.code or 0, "bad_request")
        return _whole_request_failed(
            FaceServiceError(code, f"{error.name} [{request.method} {request.path[:100]}]")
        )
    _log_without_content(error)
    response = jsonify(FaceServiceError("internal", "the request couldn't be worked on").as_json())
    return response, 500, {}


def _log_without_content(error: Exception) -> None:
    """Where it happened and what kind: an exception's own text could hold a part of a photo."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
