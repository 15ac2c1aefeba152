"""The inference service as a process on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from es_setup.connection import ConnectionFailed, ServedModel, Service
from es_setup.embedded import local_node
from ingest_service.weights.cache import Cache

START_TIMEOUT = 120
"""In seconds."""


@dataclass(frozen=True)
class RunningService:
    """The service at ``url``, which serves ``model`` with vectors of ``dims`` numbers. ``process`` leads its
    process group."""

    url: str
    model: str
    dims: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None


@contextmanager
def running_service(
    cache: Cache,
    folder: Path,
    port: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    certificate_authority: Path | None = None,
) -> Iterator[RunningService]:
    """The service, running until the end of the block; its log is ``folder/logs/service.log``.

    Args:
        port: default: a free one.
        environment: more settings, such as ``FACES_API_KEY``.
        certificate_authority: a PEM file; needed if ``environment`` has a certificate, so that the service
            speaks TLS.

    Raises:
        EngineError: the port is in use.
        ConnectionFailed: the service doesn't start; the message has the end of its log.
    """
    port = port or local_node.free_port()
    local_node.require_free(port, "the inference service")
    url = f"{'https' if certificate_authority else 'http'}://127.0.0.1:{port}"
    log = folder / "logs" / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name != "FACES_API_KEY"}
    ours = {"FACES_PORT": str(port), "FACES_HOST": "127.0.0.1", "FACES_CACHE": str(cache.root)}
    with log.open("w") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest_service"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
            env={**inherited, **ours, **environment},
            start_new_session=True,
        )
    try:
        service = Service(url, certificate_authority=certificate_authority)
        model = _wait_until_ready(service, process, log)
        yield RunningService(url, model.id, model.dims, process, log)
    finally:
        local_node.stop(process)


def _wait_until_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> ServedModel:
    """The model that is served, once the service is ready."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            return service.model()
        except ConnectionFailed:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConnectionFailed(
                    f"the inference service doesn't start:\n{log.read_text()[-2000:]}"
                ) from None
            time.sleep(0.1)
