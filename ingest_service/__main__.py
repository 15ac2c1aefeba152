"""``python -m ingest_service``: the service behind gunicorn, settings from the environment."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from ingest_service import profiles
from ingest_service.app import create_app
from ingest_service.settings import Settings, SettingsError
from ingest_service.telemetry import log_native_lines, set_up_logging
from ingest_service.weights import WeightsError

CLIENT_TIMEOUT_S = 30
"""Seconds that a thread waits for a client's next byte, or to get rid of an answer."""


class Impatient:
    """A socket that gives up on a client which neither sends nor reads. gunicorn would wait for ever, and as
    many such clients as there are threads would keep everybody else out."""

    def setblocking(self, flag: bool) -> None:
        self.settimeout(CLIENT_TIMEOUT_S if flag else 0)  # type: ignore[attr-defined]


class ImpatientSocket(Impatient, socket.socket):
    pass


class ImpatientTlsSocket(Impatient, ssl.SSLSocket):
    pass


class Worker(ThreadWorker):  # type: ignore[misc]
    def enqueue_req(self, conn: TConn) -> None:
        if type(conn.sock) is socket.socket:
            conn.sock = ImpatientSocket(fileno=conn.sock.detach())
        super().enqueue_req(conn)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines, in the form of all others."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _impatient_tls(_: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.sslsocket_class = ImpatientTlsSocket
    return context


class Server(BaseApplication):  # type: ignore[misc]
    """One process: the networks are shared by all threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "worker_class": Worker,
            "logger_class": JsonLogger,
            "ssl_context": _impatient_tls,
            "workers": 1,
            # One for each photo that is let in, and some that refuse the next, or answer /healthz, at once.
            "threads": self.settings.max_waiting + 8,
            "timeout": 120,
            "graceful_timeout": self.settings.deadline_s + 5,
            "keepalive": 75,
            "certfile": str(self.settings.tls_certificate) if self.settings.tls_certificate else None,
            "keyfile": str(self.settings.tls_key) if self.settings.tls_key else None,
            # A warning quotes what a client sent where a request line should be: it could be a photo.
            "loglevel": "error",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        log_native_lines()
        return create_app(self.settings)


def main() -> None:
    set_up_logging()
    try:
        settings = Settings.from_environment()
        profiles.check(settings)  # before a worker is started: the message is then the last line
    except (SettingsError, WeightsError) as error:
        sys.exit(f"error: {error}")
    scheme = "https" if settings.tls_certificate else "http"
    address = f"{scheme}://{settings.host}:{settings.port}"
    logging.getLogger("ingest_service").info("serving profile %s on %s", settings.profile, address)
    Server(settings).run()


if __name__ == "__main__":
    main()
