"""The HTTP contract: each route reads its request, has it worked on, and answers."""

from __future__ import annotations

import hmac
import io
import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import IO, Any, NoReturn, TypeVar

import numpy as np
from flask import Request, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_openapi3 import Info, OpenAPI, Tag
from gunicorn.http.errors import ParseException
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, RequestEntityTooLarge

from ingest_service import __version__, profiles
from ingest_service.admission import Bound, BoundedBody
from ingest_service.errors import FaceServiceError
from ingest_service.openapi import SECURITY, ApiDocument, add_pages
from ingest_service.profiles import Profile
from ingest_service.schemas import (
    ErrorAnswer,
    FacesAnswer,
    FacesRequest,
    HealthAnswer,
    ModelsAnswer,
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
METRICS: Any = {
    "description": "Prometheus' text format",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
RETRY = {"Retry-After": "1"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
Body = TypeVar("Body", bound=BaseModel)


class InMemoryRequest(Request):
    """A form's files stay in memory, where the body's limit bounds them: no photo is written to a disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


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
        doc_ui=False,
        static_folder=None,
    )
    app.request_class = InMemoryRequest
    app.json.sort_keys = False  # type: ignore[attr-defined]
    add_pages(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    _observe_requests(app, metrics)
    _bound_bodies(app, settings)
    _add_faces(app, works, profile, settings)
    _add_operations(app, profile, settings, metrics)
    app.register_error_handler(FaceServiceError, _failed(metrics))
    app.register_error_handler(Exception, _unexpected(metrics))
    return app


def _add_faces(app: OpenAPI, works: Works, profile: Profile, settings: Settings) -> None:
    errors: Any = dict.fromkeys((400, 401, 409, 413, 429, 500, 503), ErrorAnswer)
    faces_tag = Tag(name="faces", description="photos in, faces out")

    @app.post(
        "/v1/faces",
        tags=[faces_tag],
        summary="Find the faces of photos",
        responses={200: FacesAnswer, **errors},
        security=_security(settings),
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
        security=_security(settings),
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


def _add_operations(app: OpenAPI, profile: Profile, settings: Settings, metrics: Metrics) -> None:
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

    @app.get(
        "/v1/models", tags=[tag], summary="Which models are there, and served?", responses={200: ModelsAnswer}
    )
    def models() -> Response:
        return jsonify(models=profiles.available(settings, profile.model))

    @app.get("/metrics", tags=[tag], summary="Prometheus metrics", responses={200: METRICS})
    def prometheus() -> Response:
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _security(settings: Settings) -> Any:
    return [{"key": []}] if settings.api_keys else None


def _authorize(api_keys: tuple[str, ...]) -> None:
    if not api_keys:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Every key is compared, so that the time says nothing of which one was close.
    matches = [hmac.compare_digest(given.encode("latin-1"), key.encode()) for key in api_keys]
    if scheme.lower() not in ("bearer", "apikey") or not any(matches):
        raise FaceServiceError("unauthorized", "the service's key is missing or wrong")


def _read(kind: type[Body], settings: Settings) -> Body:
    """The request's body, JSON or a form, checked."""
    given = _form() if request.mimetype == "multipart/form-data" else _json()
    try:
        body = kind.model_validate(given)
    except ValidationError as error:
        # Not pydantic's own text: it repeats the input.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        # A misspelt field is why another one is missing.
        problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
        place = "".join(f"[{part}]" for part in problem["loc"]) or "the body"
        raise FaceServiceError("bad_request", f"{place[:100]}: {problem['msg'][:200]}") from None
    if len(getattr(body, "images", ())) > settings.max_images:
        raise FaceServiceError("bad_request", f"[images]: at most {settings.max_images} photos a request")
    return body


def _json() -> Any:
    """Whatever the content type says: curl's `-d` calls JSON a form."""
    data = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # chunks beyond the limit are cut off silently, but for this
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise FaceServiceError("bad_request", "the body isn't JSON, nor multipart/form-data") from None


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads, but which aren't JSON."""
    raise ValueError(name)


def _form() -> dict[str, Any]:
    """A form's files named ``image``, and its other fields: `curl -F image=@me.jpg -F priority=search`."""
    if "image" in request.form:
        raise FaceServiceError("bad_request", "[image] is text, but must be a file, `image=@me.jpg` for curl")
    given: dict[str, Any] = {name: request.form[name] for name in request.form}
    if "return" in given:
        given["return"] = request.form.getlist("return")
    given |= {name: None for name in request.files if name != "image"}  # refused by name, as any other field
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


def _bound_bodies(app: OpenAPI, settings: Settings) -> None:
    """The bodies of all requests at once: without it, each thread could hold a largest one."""
    bound = Bound(4 * settings.max_body_bytes, "too many bytes wait already")

    @app.before_request
    def enter() -> None:
        g.body = request.environ["wsgi.input"] = BoundedBody(request.environ["wsgi.input"], bound)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if "body" in g:
            g.body.release()


def _failed(metrics: Metrics) -> Callable[..., ResponseReturnValue]:
    def answer(error: FaceServiceError, more: Mapping[str, str] = NO_HEADERS) -> ResponseReturnValue:
        metrics.errors.labels(error.code).inc()
        headers = {429: RETRY, 503: RETRY, 401: {"WWW-Authenticate": "Bearer"}}.get(error.status, {})
        return jsonify(error.as_json()), error.status, {**headers, **more}

    return answer


def _unexpected(metrics: Metrics) -> Callable[[Exception], ResponseReturnValue]:
    failed = _failed(metrics)

    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, RequestEntityTooLarge):
            return failed(FaceServiceError("body_too_large", "the request is too large"))
        if isinstance(error, ClientDisconnected | ParseException):
            return failed(FaceServiceError("bad_request", "the body ends too early, or isn't HTTP"))
        if isinstance(error, MethodNotAllowed):
            allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
            return failed(FaceServiceError("method_not_allowed", f"{error.name} [{request.method}]"), allowed)
        if isinstance(error, HTTPException):
            code = "not_found" if error.code == 404 else "bad_request"
            return failed(FaceServiceError(code, f"{error.name} [{request.method}]"))
        log.error("unexpected %s\n%s", type(error).__name__, where(error))
        return failed(FaceServiceError("internal", "the request couldn't be worked on", status=500))

    return answer
