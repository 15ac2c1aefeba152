"""``python -m ingest_service``: the service behind gunicorn, settings from the environment."""

from __future__ import annotations

import logging
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from ingest_service.app import create_app
from ingest_service.settings import Settings, SettingsError
from ingest_service.telemetry import set_up_logging
from ingest_service.weights import Cache, WeightsError, facenet_digest


class Server(BaseApplication):  # type: ignore[misc]
    """One process: the networks are shared by all threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            # One for each photo that is let in, and some that refuse the next, or answer /healthz, at once.
            "threads": self.settings.max_waiting + 8,
            "timeout": 120,
            "graceful_timeout": 30,
            "keepalive": 75,
            "certfile": str(self.settings.tls_certificate) if self.settings.tls_certificate else None,
            "keyfile": str(self.settings.tls_key) if self.settings.tls_key else None,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self.settings)


def main() -> None:
    set_up_logging()
    try:
        settings = Settings.from_environment()
        facenet_digest(Cache(settings.cache))  # before a worker is started: the message is then the last line
    except (SettingsError, WeightsError) as error:
        sys.exit(f"error: {error}")
    scheme = "https" if settings.tls_certificate else "http"
    address = f"{scheme}://{settings.host}:{settings.port}"
    logging.getLogger("ingest_service").info("serving profile %s on %s", settings.profile, address)
    Server(settings).run()


if __name__ == "__main__":
    main()
