"""The WSGI application: the served model, its routes, and what holds for every request."""

from __future__ import annotations

from flask_openapi3 import Info, OpenAPI

from ingest_service import __version__, profiles
from ingest_service.decoders import processes
from ingest_service.error_handlers import add_error_handlers
from ingest_service.openapi import SECURITY, ApiDocument, add_pages
from ingest_service.pipeline import FacePipeline
from ingest_service.request_body import InMemoryRequest
from ingest_service.request_log import observe_requests
from ingest_service.routes import add_faces_routes, add_operations_routes
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics
from ingest_service.turns import Turns
from ingest_service.web_pages import refuse_pages


def create_app(settings: Settings | None = None) -> OpenAPI:
    """The application with its networks loaded and warm.

    Raises:
        SettingsError: a setting can't be used.
        WeightsError: the cache lacks the networks.
    """
    settings = settings or Settings.from_environment()
    processes.of_this_process()  # starts while the networks are loaded
    profile = profiles.load(settings)
    profiles.warm_up(profile)
    runtime = settings.chosen_runtime()
    metrics = Metrics()
    metrics.networks.info(
        {"model": profile.model.id, "runtime": runtime.name, "precision": runtime.precision}
    )
    turns = Turns()
    pipeline = FacePipeline(profile, settings, metrics)
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
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    add_pages(app, settings)
    observe_requests(app, metrics)
    refuse_pages(app, settings)
    add_faces_routes(app, pipeline, profile.model, runtime, settings, turns)
    add_operations_routes(app, profile.model, runtime, settings, metrics)
    add_error_handlers(app, metrics)
    app.wsgi_app = turns.around(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app
