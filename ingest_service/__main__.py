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
from ingest_service.errors import UserError
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.telemetry import log_native_lines, set_up_logging

log = logging.getLogger("ingest_service")

CLIENT_TIMEOUT_S = 30
"""Seconds that a thread waits for a client to send its next byte, or to read the answer."""


class WithTimeout:
    """A socket that gives up on a client that neither sends nor reads. gunicorn would wait for ever, and as
    many such clients as there are threads would block the service."""

    def setblocking(self, flag: bool) -> None:
        self.settimeout(CLIENT_TIMEOUT_S if flag else 0)  # type: ignore[attr-defined]


class TimeoutSocket(WithTimeout, socket.socket):
    pass


class TimeoutTlsSocket(WithTimeout, ssl.SSLSocket):
    pass


class Worker(ThreadWorker):  # type: ignore[misc]
    def enqueue_req(self, conn: TConn) -> None:
        if type(conn.sock) is socket.socket:
            conn.sock = TimeoutSocket(fileno=conn.sock.detach())
        super().enqueue_req(conn)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own log lines in our format."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _tls_with_timeout(_: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.sslsocket_class = TimeoutTlsSocket
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
            "ssl_context": _tls_with_timeout,
            "workers": 1,
            # One for each photo in progress, and some to refuse further ones and to answer /healthz.
            "threads": self.settings.max_waiting + 8,
            "timeout": 120,
            "graceful_timeout": self.settings.deadline_s + 5,
            "keepalive": 75,
            "certfile": str(self.settings.tls_certificate) if self.settings.tls_certificate else None,
            "keyfile": str(self.settings.tls_key) if self.settings.tls_key else None,
            # A warning quotes a malformed request line, which could be part of a photo.
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
        profiles.check(settings)  # before a worker starts, so that the message is the last line
    except UserError as error:
        sys.exit(f"error: {error}")
    scheme = "https" if settings.tls_certificate else "http"
    address = f"{scheme}://{settings.host}:{settings.port}"
    log.info("serving profile %s on %s", settings.profile, address)
    if not MODELS[settings.profile].listed:
        log.warning("profile %s is %s", settings.profile, MODELS[settings.profile].note)
    Server(settings).run()


if __name__ == "__main__":
    main()
