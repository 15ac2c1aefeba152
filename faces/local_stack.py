"""The local stack: Elasticsearch with the plugin, and the inference service, on loopback."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from es_setup.connection import Connection
from es_setup.embedded import distribution, local_node, plugins
from es_setup.install import InstallError, install
from es_setup.private_files import own_folder
from faces.local_service import RunningService, running_service
from ingest_service.weights.cache import Cache, WeightsError, default_cache
from ingest_service.weights.prepare import prepare, prepare_sface


class LocalServer(Protocol):
    """A server that was started here."""

    @property
    def has_ended(self) -> bool: ...

    @property
    def log(self) -> Path: ...


@dataclass(frozen=True)
class LocalStack:
    """A running stack.

    model: the id of the model of ``service``.
    servers: the others.
    folder: where they write.
    """

    connection: Connection
    model: str
    service: RunningService
    folder: Path
    servers: Mapping[str, LocalServer] = field(default_factory=dict)

    def ended(self) -> str | None:
        """A message about a server that has ended by itself; None while all run."""
        for name, server in self.servers.items():
            if server.has_ended:
                return f"{name} has ended by itself; its log is {server.log}"
        return None


def prepare_all(say: Callable[[str], None]) -> tuple[Cache, Path]:
    """Downloads, converts and builds what is needed, once. Returns the cache and Elasticsearch's home.

    Without SFace, which an earlier version's cache lacks, all other profiles run.

    Raises:
        WeightsError, EngineError: a step failed; the message says what to do.
    """
    cache = Cache(default_cache())
    prepare(cache, say)
    try:
        prepare_sface(cache, say)
    except WeightsError as problem:
        say(f"SFace: absent, so the profiles sface and facenet-sface can't be served ({problem})")
    return cache, distribution.prepare(cache.root, say)


@contextmanager
def running_stack(
    cache: Cache,
    home: Path,
    say: Callable[[str], None],
    data: Path | None = None,
    es_port: int | None = None,
    faces_port: int | None = None,
) -> Iterator[LocalStack]:
    """Both servers, running until the end of the block, with pipelines and templates installed.

    Args:
        data: Elasticsearch keeps its data in ``data/ingest-face``; default: in a folder that is deleted at
            the end.
        es_port, faces_port: default: free ones.

    Raises:
        EngineError, ConnectionFailed: a server doesn't start; the message says why.
        InstallError: pipelines or templates can't be installed. Not raised with ``data``: then the reason is
            said, and the servers run, so that the user can follow the message's advice.
    """
    if es_port:
        # Before the service starts, as that writes into a folder that another stack may use.
        local_node.require_free(es_port, "Elasticsearch")
    with (
        working_folder(data, say) as folder,
        running_service(cache, folder / "service", faces_port) as service,
    ):
        say(f"inference service ready at {service.url}, model {service.model}")
        settings = {"face.endpoint.default.urls": service.url}
        with local_node.running_node(home, folder, settings, es_port) as node:
            say(f"Elasticsearch {plugins.elasticsearch_version()} ready at {node.url}")
            connection = Connection(es_url=node.url, faces_url=service.url)
            try:
                for step in install(connection.elasticsearch(), service.model, dims=service.dims):
                    if step.kept:
                        say(f"{step.request}: {step.outcome}")
                say("pipelines, templates and indices installed")
            except InstallError as error:
                if data is None:
                    raise
                say(f"pipelines, templates and indices not installed: {error}")
            yield LocalStack(connection, service.model, service, folder, {"Elasticsearch": node})


@contextmanager
def working_folder(data: Path | None = None, say: Callable[[str], None] = print) -> Iterator[Path]:
    """A folder for servers to write into, closed to other users: ``data/ingest-face``, or one that is deleted
    at the end."""
    if data is not None:
        # A subfolder, so that other files in ``data`` stay as they are.
        own = data / "ingest-face"
        if own_folder(own):
            say(f"[{own}] was readable by other users of this machine; now only its owner can read it")
        yield own
        return
    # Not below TMPDIR when root: that may be closed to the user that runs Elasticsearch.
    parent = "/var/tmp" if os.geteuid() == 0 else None  # noqa: S108 (mkdtemp creates a private folder there)
    with tempfile.TemporaryDirectory(prefix="ingest-face-", dir=parent, ignore_cleanup_errors=True) as folder:
        own_folder(Path(folder))
        yield Path(folder)
