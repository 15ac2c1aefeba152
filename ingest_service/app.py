"""The HTTP contract: each route reads its request, has it worked on, and answers."""

from __future__ import annotations

import hmac
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_openapi3 import Info, OpenAPI, Tag
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ingest_service import __version__, profiles
from ingest_service.errors import FaceServiceError
from ingest_service.openapi import SECURITY, ApiDocument
from ingest_service.profiles import Profile
from ingest_service.schemas import (
    EVERYTHING,
    ErrorAnswer,
    FacesAnswer,
    FacesRequest,
    HealthAnswer,
    PhotoRequest,
    ReadyAnswer,
    VerifyAnswer,
    VerifyRequest,
)
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics, Stopwatch, where
from ingest_service.verdicts import verdict
from ingest_service.work import Wish, Works

log = logging.getLogger("ingest_service")
REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
Body = TypeVar("Body", bound=BaseModel)


def create_app(settings: Settings | None = None) -> OpenAPI:
    """The WSGI application, its networks loaded and warm.

    Raises:
        SettingsError: a setting can't be used.
        WeightsError: the cache lacks the networks.
    """
    settings = settings or Settings.from_environment()
    profile = profiles.load(settings)
    profiles.warm_up(profile)
    metrics = Metrics()
    works = Works(profile, settings, metrics)
    app = ApiDocument(
        __name__,
        info=Info(
            title="ingest-face",
            version=__version__,
            description="Photos in, faces and their vectors out.",
        ),
        security_schemes=SECURITY,
        doc_prefix="/docs",
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    _observe_requests(app, metrics)
    _add_faces(app, works, profile, settings)
    _add_operations(app, profile, metrics)
    app.register_error_handler(FaceServiceError, _failed(metrics))
    app.register_error_handler(Exception, _unexpected(metrics))
    return app


def _add_faces(app: OpenAPI, works: Works, profile: Profile, settings: Settings) -> None:
    errors: Any = dict.fromkeys((400, 401, 409, 413, 429, 503), ErrorAnswer)
    faces_tag = Tag(name="faces", description="photos in, faces out")

    @app.post(
        "/v1/faces",
        tags=[faces_tag],
        summary="Find the faces of photos",
        responses={200: FacesAnswer, **errors},
        security=[{"key": []}],
    )
    def faces() -> Response:
        _authorize(settings.api_keys)
        call = _read(FacesRequest, settings)
        if call.model is not None and call.model != profile.model.id:
            problem = f"model [{call.model[:100]}] was asked for, but [{profile.model.id}] is served"
            raise FaceServiceError("model_mismatch", problem)
        results = works.answer(_wishes(call.images), frozenset(call.returns), call.priority == "search")
        g.photos = len(results)
        return jsonify(model=profile.model.as_json(), results=results)

    @app.post(
        "/v1/verify",
        tags=[faces_tag],
        summary="Are these two photos of one person?",
        responses={200: VerifyAnswer, **errors},
        security=[{"key": []}],
    )
    def verify() -> Response:
        _authorize(settings.api_keys)
        call = _read(VerifyRequest, settings)
        results = works.answer(_wishes(call.images), frozenset({"vector"}), urgent=True)
        compared = [_largest_face(result, position) for position, result in enumerate(results)]
        similarity = float(np.dot(compared[0].pop("vector"), compared[1].pop("vector")))
        return jsonify(
            model=profile.model.as_json(),
            similarity=round(similarity, 6),
            verdict=verdict(similarity),
            calibrated=False,
            faces=compared,
        )


def _add_operations(app: OpenAPI, profile: Profile, metrics: Metrics) -> None:
    tag = Tag(name="operations", description="for those who run the service")

    @app.get("/healthz", tags=[tag], summary="Is the process alive?", responses={200: HealthAnswer})
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get(
        "/readyz", tags=[tag], summary="Are the networks loaded, and which?", responses={200: ReadyAnswer}
    )
    def readyz() -> Response:
        # The networks are loaded before the first request can be answered.
        return jsonify(status="ready", model=profile.model.as_json())

    @app.get("/metrics", tags=[tag], summary="Prometheus metrics")
    def prometheus() -> Response:
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _authorize(api_keys: tuple[str, ...]) -> None:
    if not api_keys:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Every key is compared, so that the time says nothing of which one was close.
    matches = [hmac.compare_digest(given.encode(), key.encode()) for key in api_keys]
    if scheme.lower() not in ("bearer", "apikey") or not any(matches):
        raise FaceServiceError("unauthorized", "the service's key is missing or wrong")


def _read(kind: type[Body], settings: Settings) -> Body:
    """The request's body, JSON or a form, checked."""
    given = (
        _form(kind)
        if request.mimetype == "multipart/form-data"
        else request.get_json(force=True, silent=True)
    )
    try:
        body = kind.model_validate(given)
    except ValidationError as error:
        # Not pydantic's own text: it repeats the input.
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = "".join(f"[{part}]" for part in problem["loc"]) or "the body"
        raise FaceServiceError("bad_request", f"{place[:100]}: {problem['msg'][:200]}") from None
    if len(getattr(body, "images", ())) > settings.max_images:
        raise FaceServiceError("bad_request", f"[images]: at most {settings.max_images} photos a request")
    return body


def _form(kind: type[BaseModel]) -> dict[str, Any]:
    """A form's files named ``image``, and its other fields: `curl -F image=@me.jpg -F priority=search`."""
    given: dict[str, Any] = {name: request.form[name] for name in request.form if name != "return"}
    if kind is FacesRequest:
        given["return"] = request.form.getlist("return") or EVERYTHING
    given["images"] = [{"image": file.read()} for file in request.files.getlist("image")]
    return given


def _wishes(images: list[PhotoRequest]) -> list[Wish]:
    return [
        Wish(item.image, item.options.max_faces, item.options.min_confidence, item.options.min_quality)
        for item in images
    ]


def _largest_face(result: dict[str, Any], position: int) -> dict[str, Any]:
    place = ("first", "second")[position]
    if "error" in result:
        raise FaceServiceError(result["error"]["code"], f"the {place} photo can't be read", status=400)
    if not result["faces"]:
        raise FaceServiceError("no_face", f"no face was found in the {place} photo")
    face: dict[str, Any] = result["faces"][0]
    return face


def _observe_requests(app: OpenAPI, metrics: Metrics) -> None:
    """A request id for each, one log line, and the counters."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.watch = Stopwatch()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        # The rule, not the path: strangers' paths would make a new counter each.
        path = request.url_rule.rule if request.url_rule else "other"
        metrics.requests.labels(path, str(response.status_code)).inc()
        metrics.request_seconds.labels(path).observe(g.watch.seconds())
        if path in ("/healthz", "/readyz", "/metrics"):
            return response
        ecs = {
            "http.request.id": g.request_id,
            "http.request.method": request.method,
            "url.path": path,
            "http.response.status_code": response.status_code,
            "event.duration": int(g.watch.seconds() * 1e9),
            "faces.photos": g.get("photos", 0),
        }
        log.info("%s %s %d", request.method, path, response.status_code, extra={"ecs": ecs})
        return response


def _failed(metrics: Metrics) -> Callable[[FaceServiceError], ResponseReturnValue]:
    def answer(error: FaceServiceError) -> ResponseReturnValue:
        metrics.errors.labels(error.code).inc()
        headers = {"Retry-After": "1"} if error.status in (429, 503) else {}
        return jsonify(error.as_json()), error.status, headers

    return answer


def _unexpected(metrics: Metrics) -> Callable[[Exception], ResponseReturnValue]:
    failed = _failed(metrics)

    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, RequestEntityTooLarge):
            return failed(FaceServiceError("body_too_large", "the request is too large"))
        if isinstance(error, HTTPException):
            code = {404: "not_found", 405: "method_not_allowed"}.get(error.code or 0, "bad_request")
            return failed(FaceServiceError(code, f"{error.name} [{request.method}]"))
        log.error("unexpected %s\n%s", type(error).__name__, where(error))
        return failed(FaceServiceError("internal", "the request couldn't be worked on", status=500))

    return answer
