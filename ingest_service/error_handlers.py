"""Every exception of a request as the contract's error: a code, a message, and no traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, RequestEntityTooLarge

from ingest_service.errors import FaceServiceError
from ingest_service.schemas import ErrorAnswer, ErrorDetail
from ingest_service.telemetry import Metrics, where

log = logging.getLogger("ingest_service")

RETRY = {"Retry-After": "1"}
HEADERS = {429: RETRY, 503: RETRY, 401: {"WWW-Authenticate": "Bearer"}}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def add_error_handlers(app: Flask, metrics: Metrics) -> None:
    @app.errorhandler(FaceServiceError)
    def known(error: FaceServiceError, more: Mapping[str, str] = NO_HEADERS) -> ResponseReturnValue:
        metrics.errors.labels(error.code).inc()
        answer = ErrorAnswer(error=ErrorDetail.of(error)).model_dump()
        return jsonify(answer), error.status, {**HEADERS.get(error.status, {}), **more}

    @app.errorhandler(Exception)
    def other(error: Exception) -> ResponseReturnValue:
        if isinstance(error, MethodNotAllowed):
            return known(_as_known(error), {"Allow": ", ".join(sorted(error.valid_methods or ()))})
        return known(_as_known(error))


def _as_known(error: Exception) -> FaceServiceError:
    if isinstance(error, RequestEntityTooLarge):
        return FaceServiceError("body_too_large", "the request is too large")
    if isinstance(error, ClientDisconnected | ParseException):
        return FaceServiceError("bad_request", "the body ends too early, or isn't HTTP")
    if isinstance(error, MethodNotAllowed):
        return FaceServiceError("method_not_allowed", f"{error.name} [{request.method}]")
    if isinstance(error, HTTPException):
        code = "not_found" if error.code == 404 else "bad_request"
        return FaceServiceError(code, f"{error.name} [{request.method}]")
    log.error("unexpected %s\n%s", type(error).__name__, where(error))
    return FaceServiceError("internal", "the request couldn't be processed", status=500)
