"""``python -m ingest_service``: the service behind gunicorn, settings from the environment."""

from __future__ import annotations

import logging
import sys

from ingest_service import profiles
from ingest_service.errors import UserError
from ingest_service.registry import MODELS
from ingest_service.serving.server import Server
from ingest_service.settings import Settings
from ingest_service.telemetry import set_up_logging

log = logging.getLogger("ingest_service")


def main() -> None:
    set_up_logging()
    try:
        settings = Settings.from_environment()
        profiles.check(settings)  # before a worker starts, so that the message is the last line
        server = Server(settings)
    except UserError as error:
        sys.exit(f"error: {error}")
    for warning in settings.warnings():
        log.warning(warning)
    scheme = "https" if settings.tls_certificate else "http"
    log.info(
        "serving profile %s by %s on %s://%s",
        settings.profile,
        settings.chosen_runtime(),
        scheme,
        settings.bind,
    )
    if not MODELS[settings.profile].listed:
        log.warning("profile %s is %s", settings.profile, MODELS[settings.profile].note)
    server.run()


if __name__ == "__main__":
    main()
