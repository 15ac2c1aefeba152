"""For every request: an id, a log line, and the counters."""

from __future__ import annotations

import logging
import re
import uuid

from flask import Flask, Response, g, request

from ingest_service.telemetry import Metrics, Stopwatch

log = logging.getLogger("ingest_service")

REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


def observe_requests(app: Flask, metrics: Metrics) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.watch = Stopwatch()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        # The rule, not the path: each path that a client invents would be a new counter.
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
