"""gunicorn, configured by the desk's settings; its worker is the service's, which no slow client can hold."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from faces.desk.app import create_app
from faces.desk.settings import DeskSettings
from ingest_service.serving.json_logger import JsonLogger
from ingest_service.serving.worker import Worker

THREADS = 16


class DeskServer(BaseApplication):  # type: ignore[misc]
    """One process: sessions and the photos that were asked with are in its memory."""

    def __init__(self, settings: DeskSettings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        options: dict[str, Any] = {
            "bind": f"{host}:{settings.port}",
            "worker_class": Worker,
            "logger_class": JsonLogger,
            "workers": 1,
            "threads": THREADS,
            "worker_connections": settings.max_connections + THREADS,
            "timeout": 180,
            "graceful_timeout": 5,
            "keepalive": 75,
            "certfile": str(settings.tls_certificate) if settings.tls_certificate else None,
            "keyfile": str(settings.tls_key) if settings.tls_key else None,
            "loglevel": "error",
            "control_socket_disable": True,
            "sendfile": False,
            "forwarded_allow_ips": "",
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self.settings)
