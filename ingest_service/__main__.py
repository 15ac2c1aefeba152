"""``python -m ingest_service``: the service behind gunicorn, settings from the environment."""

from __future__ import annotations

import logging
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from ingest_service.app import create_app
from ingest_service.settings import Settings, SettingsError
from ingest_service.weights import Cache, WeightsError, facenet_digest


class Server(BaseApplication):  # type: ignore[misc]
    """One process, its networks shared by all threads: a thread waits for a core at the app's gate."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            # Enough for every request that the gate admits, and some that it refuses at once.
            "threads": self.settings.workers + self.settings.max_waiting + 8,
            "timeout": 120,
            "graceful_timeout": 30,
            "keepalive": 75,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self.settings)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = Settings.from_environment()
        facenet_digest(Cache(settings.cache))  # before a worker is started: the message is then the last line
    except (SettingsError, WeightsError) as error:
        sys.exit(f"error: {error}")
    logging.getLogger("ingest_service").info(
        "profile=%s on http://%s:%d", settings.profile, settings.host, settings.port
    )
    Server(settings).run()


if __name__ == "__main__":
    main()
