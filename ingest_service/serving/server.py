"""gunicorn, configured by our settings."""

from __future__ import annotations

import resource
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from ingest_service.app import create_app
from ingest_service.errors import SettingsError
from ingest_service.serving.json_logger import JsonLogger
from ingest_service.serving.worker import Worker
from ingest_service.settings import Settings
from ingest_service.telemetry import log_native_lines

OTHER_FILES = 200
"""File descriptors of everything but connections: listeners, pipes, decoding processes, weights."""


class Server(BaseApplication):  # type: ignore[misc]
    """One process: the networks are shared by all threads.

    Raises:
        SettingsError: the system allows too few open files for the connections.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        _allow_files(settings.max_connections + OTHER_FILES)
        super().__init__()

    def load_config(self) -> None:
        threads = threads_for(self.settings)
        options: dict[str, Any] = {
            "bind": self.settings.bind,
            "worker_class": Worker,
            "logger_class": JsonLogger,
            "workers": 1,
            "threads": threads,
            "worker_connections": self.settings.max_connections + threads,
            "timeout": 120,
            "graceful_timeout": self.settings.deadline_s + 5,
            "keepalive": 75,
            "certfile": str(self.settings.tls_certificate) if self.settings.tls_certificate else None,
            "keyfile": str(self.settings.tls_key) if self.settings.tls_key else None,
            # A warning quotes a malformed request line, which could be part of a photo.
            "loglevel": "error",
            "control_socket_disable": True,
            # The sockets don't wait, as sendfile would need.
            "sendfile": False,
            # No header of a client's changes the path or the scheme.
            "forwarded_allow_ips": "",
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        log_native_lines()
        return create_app(self.settings)


def threads_for(settings: Settings) -> int:
    """One for each document and search that may be in progress, and some to refuse more."""
    return 2 * settings.max_waiting + 8


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if resource.RLIM_INFINITY != hard < count:
            raise SettingsError(
                f"FACES_MAX_CONNECTIONS needs [{count}] open files, but the system allows [{hard}]: lower "
                "it, or raise the limit with `ulimit -n`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
