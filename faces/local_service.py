"""The inference service as a process on loopback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from es_setup.connection import ServedModel, Service
from es_setup.embedded import local_node
from faces.local_process import ServerModule, end_what_is_left
from ingest_service.weights.cache import Cache

NOT_INHERITED = {"FACES_API_KEY", "FACES_API_KEYS_FILE", "FACES_TLS_CERTIFICATE", "FACES_TLS_KEY"}
"""Of the caller's environment: they are for another service, which this one's clients don't know."""


@dataclass
class RunningService:
    """The service at ``url``, which serves ``model`` with vectors of ``dims`` numbers. ``process`` leads its
    process group."""

    url: str
    model: str
    dims: int
    process: subprocess.Popen[bytes]
    log: Path
    _start: Callable[[], tuple[subprocess.Popen[bytes], ServedModel]] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def start_again(self) -> None:
        """Starts the service that has ended, at the same address and with the same settings.

        Raises:
            ConnectionFailed: it doesn't start; the message has the end of its log.
        """
        end_what_is_left(self.process)
        self.process, _ = self._start()


@contextmanager
def running_service(
    cache: Cache,
    folder: Path,
    port: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    certificate_authority: Path | None = None,
    module: str = "ingest_service",
) -> Iterator[RunningService]:
    """The service, running until the end of the block; its log is ``folder/logs/service.log``.

    Args:
        port: default: a free one.
        environment: more settings, such as ``FACES_API_KEY``.
        certificate_authority: a PEM file; needed if ``environment`` has a certificate, so that the service
            speaks TLS.
        module: what is run, if not the service as it is.

    Raises:
        EngineError: the port is in use.
        ConnectionFailed: the service doesn't start; the message has the end of its log.
    """
    port = port or local_node.free_port()
    local_node.require_free(port, "the inference service")
    url = f"{'https' if certificate_authority else 'http'}://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    ours = {"FACES_PORT": str(port), "FACES_HOST": "127.0.0.1", "FACES_CACHE": str(cache.root)}
    server = ServerModule(
        "the inference service",
        [module],
        folder / "logs" / "service.log",
        {**inherited, **ours, **environment},
    )
    server.prepare_log()
    service = Service(url, certificate_authority=certificate_authority)

    def start() -> tuple[subprocess.Popen[bytes], ServedModel]:
        return server.start(service.model)

    process, model = start()
    running = RunningService(url, model.id, model.dims, process, server.log, start)
    try:
        yield running
    finally:
        local_node.stop(running.process)
