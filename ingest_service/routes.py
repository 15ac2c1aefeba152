"""The HTTP contract: each route reads its request, has the pipeline run it, and answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flask import Response, g, jsonify, request
from flask_openapi3 import OpenAPI, Tag
from pydantic import BaseModel

from ingest_service import profiles
from ingest_service.errors import FaceServiceError
from ingest_service.hang_ups import has_hung_up
from ingest_service.keys import authorize, authorize_page
from ingest_service.model import Model
from ingest_service.networks import Runtime
from ingest_service.pipeline import FacePipeline, PhotoJob
from ingest_service.request_body import read_body
from ingest_service.schemas import (
    ErrorAnswer,
    FaceAnswer,
    FacesAnswer,
    FacesRequest,
    HealthAnswer,
    ModelAnswer,
    ModelsAnswer,
    PhotoRequest,
    PhotoResult,
    ReadyAnswer,
    ThresholdsAnswer,
    VerifyAnswer,
    VerifyRequest,
)
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics
from ingest_service.turns import Turns
from ingest_service.verdicts import of_profile

METRICS: Any = {
    "description": "Prometheus' text format",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


def add_faces_routes(
    app: OpenAPI, pipeline: FacePipeline, model: Model, runtime: Runtime, settings: Settings, turns: Turns
) -> None:
    errors: Any = dict.fromkeys((400, 401, 403, 408, 409, 413, 415, 429, 500, 503), ErrorAnswer)
    tag = Tag(name="faces", description="photos in, faces out")
    security = _security("faces", settings)

    @app.post(
        "/v1/faces",
        tags=[tag],
        summary="Find the faces of photos",
        operation_id="find_faces",
        responses={200: FacesAnswer, **errors},
        security=security,
    )
    def faces() -> Response:
        authorize(settings.api_keys)
        asked = read_body(FacesRequest, settings)
        if asked.model is not None and asked.model != model.id:
            problem = f"model [{asked.model[:100]}] was asked for, but [{model.id}] is served"
            raise FaceServiceError("model_mismatch", problem)
        interactive = asked.priority == "search"
        with turns.given_up():
            results = pipeline.run(_jobs(asked.images), frozenset(asked.returns), interactive, _has_hung_up())
        g.photos = len(results)
        return _answered(FacesAnswer(model=ModelAnswer.of(model, runtime), results=results))

    @app.post(
        "/v1/verify",
        tags=[tag],
        summary="Do these two photos show one person?",
        operation_id="verify",
        responses={200: VerifyAnswer, **errors},
        security=security,
    )
    def verify() -> Response:
        authorize(settings.api_keys)
        asked = read_body(VerifyRequest, settings)
        with turns.given_up():
            results = pipeline.run(_jobs(asked.images), frozenset({"vector"}), True, _has_hung_up())
        compared = [_largest_face(result, position) for position, result in enumerate(results)]
        similarity = float(np.dot(*[np.array(face.vector) for face in compared]))
        thresholds = of_profile(model.profile)
        answer = VerifyAnswer(
            model=ModelAnswer.of(model, runtime),
            similarity=round(similarity, 6),
            verdict=thresholds.verdict(similarity),
            thresholds=ThresholdsAnswer.of(thresholds),
            calibrated=False,
            faces=[face.model_copy(update={"vector": None}) for face in compared],
        )
        return _answered(answer)


def add_operations_routes(
    app: OpenAPI, model: Model, runtime: Runtime, settings: Settings, metrics: Metrics
) -> None:
    page_errors: Any = {403: ErrorAnswer}
    errors: Any = {401: ErrorAnswer, **page_errors}
    tag = Tag(name="operations", description="for those who run the service")

    @app.get(
        "/healthz",
        tags=[tag],
        summary="Is the process alive?",
        operation_id="health",
        responses={200: HealthAnswer, **page_errors},
    )
    def healthz() -> Response:
        return _answered(HealthAnswer(status="ok"))

    @app.get(
        "/readyz",
        tags=[tag],
        summary="Are the networks loaded, and which?",
        operation_id="ready",
        responses={200: ReadyAnswer, **page_errors},
    )
    def readyz() -> Response:
        # The networks are loaded before the first request can be answered.
        return _answered(
            ReadyAnswer(
                status="ready",
                model=ModelAnswer.of(model, runtime),
                runtime=runtime.name,
                thresholds=ThresholdsAnswer.of(of_profile(model.profile)),
            )
        )

    @app.get(
        "/v1/models",
        tags=[tag],
        summary="Which models are there, and which is served?",
        operation_id="models",
        responses={200: ModelsAnswer, **errors},
        security=_security("models", settings),
    )
    def models() -> Response:
        authorize_page("models", settings)
        return _answered(ModelsAnswer(models=profiles.available(settings, model, runtime)))

    @app.get(
        "/metrics",
        tags=[tag],
        summary="Prometheus metrics",
        operation_id="metrics",
        responses={200: METRICS, **errors},
        security=_security("metrics", settings),
    )
    def prometheus() -> Response:
        authorize_page("metrics", settings)
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _security(page: str, settings: Settings) -> Any:
    """For the OpenAPI document: whether the page needs a key."""
    return [{"key": []}] if settings.api_keys and page not in settings.open_pages else None


def _answered(answer: BaseModel) -> Response:
    # Not pydantic's own JSON, whose floats are written otherwise (1e-5 for 1e-05).
    return jsonify(answer.model_dump(exclude_none=True))


def _has_hung_up() -> Callable[[], bool]:
    return partial(has_hung_up, request.environ)


def _jobs(images: list[PhotoRequest]) -> list[PhotoJob]:
    return [
        PhotoJob(
            item.image,
            item.options.max_faces,
            item.options.min_confidence,
            item.options.min_quality,
            item.options.boxes,
        )
        for item in images
    ]


def _largest_face(result: PhotoResult, position: int) -> FaceAnswer:
    place = ("first", "second")[position]
    if result.error:
        raise FaceServiceError(result.error.code, f"the {place} photo can't be read", status=400)
    if not result.faces:
        raise FaceServiceError("no_face", f"no face was found in the {place} photo")
    return result.faces[0]
