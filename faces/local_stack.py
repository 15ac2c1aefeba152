"""The embedded stack: Elasticsearch with the plugin, and the inference service, on loopback.

The one place that knows both rooms: it starts the service, as a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from es_setup.connection import Connection, ConnectionFailed, ServedModel, Service
from es_setup.embedded import distribution, local_node, plugins
from es_setup.install import InstallError, install
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare

SERVICE_START_TIMEOUT = 120


class Server(Protocol):
    """A process that was started here, and that may end by itself."""

    @property
    def has_ended(self) -> bool: ...

    @property
    def log(self) -> Path: ...


@dataclass(frozen=True)
class Stack:
    """A running stack. ``model`` is the id of the model that the service serves."""

    connection: Connection
    model: str
    servers: Mapping[str, Server] = field(default_factory=dict)

    def ended(self) -> str | None:
        """What has ended by itself, in words; None while all run."""
        for name, server in self.servers.items():
            if server.has_ended:
                return f"{name} has ended by itself; its log is {server.log}"
        return None


def prepare_all(say: Callable[[str], None]) -> tuple[Cache, Path]:
    """Everything that is downloaded, built or converted once. Returns the cache and Elasticsearch's home.

    Raises:
        WeightsError, EngineError: something can't be brought, and what to do.
    """
    cache = Cache(default_cache())
    prepare(cache, say)
    return cache, distribution.prepare(cache.root, say)


@contextmanager
def running_stack(
    cache: Cache,
    home: Path,
    say: Callable[[str], None],
    data: Path | None = None,
    es_port: int | None = None,
    faces_port: int | None = None,
) -> Iterator[Stack]:
    """Starts both servers, installs pipelines and templates, and stops both at the end.

    Args:
        data: Elasticsearch keeps its data in ``data/ingest-face``; by default in a folder that is deleted
            at the end.
        es_port, faces_port: free ones by default.

    Raises:
        EngineError, ConnectionFailed: a server doesn't start, and why.
        InstallError: there is no ``data``, and yet something is in the way. What is in the way in ``data`` is
            said, and the servers run.
    """
    if es_port:
        # Before the service starts, which writes into the folder that another stack may use.
        local_node.require_free(es_port, "Elasticsearch")
    with working_folder(data) as folder, running_service(cache, folder, faces_port) as service:
        say(f"inference service ready at {service.url}, model {service.model}")
        settings = {"face.endpoint.default.urls": service.url}
        with local_node.running_node(home, folder, settings, es_port) as node:
            say(f"Elasticsearch {plugins.elasticsearch_version()} ready at {node.url}")
            connection = Connection(es_url=node.url, faces_url=service.url)
            try:
                for _ in install(connection.elasticsearch(), service.model, dims=service.dims):
                    pass
                say("pipelines, templates and indices installed")
            except InstallError as refused:
                if data is None:
                    raise
                # Such as data of another model. Servers that stop would leave nowhere to send what it says.
                say(f"pipelines, templates and indices stay as they were: {refused}")
            yield Stack(connection, service.model, {"Elasticsearch": node, "the inference service": service})


@dataclass(frozen=True)
class RunningService:
    """``process`` leads the process group of the service."""

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
    """The inference service as a process of its own; its log is ``folder/logs/service.log``.

    Args:
        port: a free one by default.
        environment: more settings, such as ``FACES_API_KEY``.
        certificate_authority: a PEM file, when ``environment`` has a certificate: the service speaks TLS.
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
    """The model that is served, as soon as it is."""
    deadline = time.monotonic() + SERVICE_START_TIMEOUT
    while True:
        try:
            return service.model()
        except ConnectionFailed:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConnectionFailed(
                    f"the inference service doesn't start:\n{log.read_text()[-2000:]}"
                ) from None
            time.sleep(0.1)


@contextmanager
def working_folder(data: Path | None = None) -> Iterator[Path]:
    """Where servers keep what they write: ``data/ingest-face``, or a folder that is deleted at the end."""
    if data is not None:
        # A folder of our own in it: what else lies there isn't ours to change.
        own = data / "ingest-face"
        own.mkdir(parents=True, exist_ok=True)
        yield own
        return
    # Not below TMPDIR when root: that may be closed to the user that runs Elasticsearch.
    parent = "/var/tmp" if os.geteuid() == 0 else None  # noqa: S108 (mkdtemp makes a folder of our own there)
    with tempfile.TemporaryDirectory(prefix="ingest-face-", dir=parent, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
