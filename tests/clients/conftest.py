"""What the clients send to: a real Elasticsearch, and a service that goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from client_programs import PROGRAMS, Packages, Sender, write_photos
from elasticsearch import Elasticsearch
from fake_service import MODEL, FakeService
from tools import install_all, wait_until

from es_setup.embedded import distribution
from es_setup.embedded.local_node import Node, running_node
from faces import local_stack
from ingest_service.weights.cache import Cache, default_cache


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outage", type=float, default=20, help="seconds for which the service is away")


@pytest.fixture(scope="session")
def outage(request: pytest.FixtureRequest) -> float:
    """In seconds."""
    return request.config.getoption("--outage")


@pytest.fixture(scope="session")
def packages() -> Packages:
    installed = Packages(default_cache() / "clients")
    installed.install()
    return installed


@pytest.fixture(scope="session")
def service() -> Iterator[FakeService]:
    fake = FakeService()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def node(service: FakeService) -> Iterator[Node]:
    home = distribution.prepare(Cache(default_cache()).root, print)
    with (
        local_stack.working_folder() as folder,
        running_node(home, folder, {"face.endpoint.default.urls": service.url}) as started,
    ):
        install_all(Elasticsearch(started.url), MODEL["id"])
        yield started


@pytest.fixture(scope="session")
def es(node: Node) -> Elasticsearch:
    return Elasticsearch(node.url, request_timeout=60)


@pytest.fixture(scope="session")
def start(
    node: Node, packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Callable[[], Sender]]:
    """Prepares a program (name, by_default) with 40 photos of its own; returns what starts it."""

    def prepare(name: str, by_default: bool = False) -> Callable[[], Sender]:
        folder = tmp_path_factory.mktemp("client")
        write_photos(folder, name + str(by_default))
        command = packages.command(name, PROGRAMS[name].text(by_default), folder)
        return lambda: Sender(command, folder, node.url)

    return prepare


@pytest.fixture(scope="session")
def survivors(start, service: FakeService, outage: float) -> dict[str, tuple[int, Sender]]:
    """All programs and their exit statuses. The service is away when they start, and for ``outage`` seconds
    after the last of them has sent something."""
    ready = {name: start(name) for name in PROGRAMS}
    service.stop()
    senders = {name: begin() for name, begin in ready.items()}
    silent = set(senders.values())

    def all_sent() -> bool:
        silent.difference_update([sender for sender in silent if sender.is_sending()])
        return not silent

    wait_until(all_sent, patience=240)
    timer = threading.Timer(outage, service.start)
    timer.start()
    ended = {name: (sender.wait(240), sender) for name, sender in senders.items()}
    timer.join()
    return ended


@pytest.fixture(scope="session")
def losers(start, service: FakeService, survivors) -> dict[str, tuple[int, Sender]]:
    """The same programs with their clients' defaults, while the service is away."""
    return _all_ended(start, by_default=True, before=service.stop, after=service.start)


@pytest.fixture(scope="session")
def blocked(start, es: Elasticsearch) -> dict[str, tuple[int, Sender]]:
    """The programs while the index takes no documents."""

    def block(on: bool) -> None:
        es.indices.put_settings(index="faces", settings={"index.blocks.write": on})

    return _all_ended(start, by_default=False, before=lambda: block(True), after=lambda: block(False))


def _all_ended(start, by_default: bool, before, after) -> dict[str, tuple[int, Sender]]:
    """All programs, run side by side between ``before`` and ``after``, and their exit statuses."""
    ready = {name: start(name, by_default) for name in PROGRAMS}
    before()
    try:
        senders = {name: begin() for name, begin in ready.items()}
        return {name: (sender.wait(240), sender) for name, sender in senders.items()}
    finally:
        after()
