"""What tests run on: weights, sample photos, Elasticsearch with the plugin, the service.

Downloaded once, into the cache that ``./run demo`` also uses, and started once for the whole run.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import node9
import numpy as np
import pytest
from elasticsearch import Elasticsearch
from fake_service import FakeService
from PIL import Image
from plain_fixtures import plain, there, without  # noqa: F401
from tools import empty, encoded, picture, processed, side_by_side

from es_setup.embedded import distribution, plugins
from faces import local_stack
from faces.local_stack import LocalStack, running_stack
from ingest_service.app import create_app
from ingest_service.pipeline import FacePipeline
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare, prepare_sface

NEED_MORE = {"cache", "running", "renderer", "loader", "installed", "sources"}
"""Fixtures that need weights, a server, a browser, or the network."""
SERVERS_ALONE = {
    "engine",
    "test_openapi.py",
    "test_explore.py",
    "test_methods.py",
    "test_bench_profile.py",
    "test_bench_yardstick.py",
}
SHARED: list[FacePipeline] = []
"""Those of apps that several modules use."""
NAMES = {"mindy_kaling": "Ann", "ben_afflek": "Ben", "madonna": "Cara", "elton_john": "Dan"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="the tests that need no network, weights or servers"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The same networks on every machine, whatever its CPU; of this process and of those that it starts."""
    os.environ["FACES_RUNTIME"] = "onnxruntime"
    os.environ.pop("FACES_PRECISION", None)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --quick: not even importing what needs servers alone, for the seconds that it takes."""
    return True if config.getoption("--quick") and collection_path.name in SERVERS_ALONE else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """--quick leaves out tests that need more, or are marked as slow."""
    if config.getoption("--quick"):
        left_out = [
            item for item in items if item.get_closest_marker("slow") or NEED_MORE & set(item.fixturenames)
        ]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionstart(session: pytest.Session) -> None:
    """What several processes share on the disk (./run test: -n) is made once, before they start."""
    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        local_stack.prepare_all(print)


@pytest.fixture(scope="session")
def cache() -> Cache:
    found = Cache(default_cache())
    prepare(found)
    prepare_sface(found)
    return found


@pytest.fixture(scope="session")
def home(cache: Cache) -> Path:
    """Of Elasticsearch with the plugin."""
    return distribution.prepare(cache.root, print)


@pytest.fixture
def fakes() -> Iterator[list[FakeService]]:
    """Two copies of a service."""
    services = [FakeService(), FakeService()]
    yield services
    for service in services:
        service.stop()


@pytest.fixture(scope="session")
def sample(cache: Cache) -> list[Path]:
    """All 118 sample photos."""
    return sorted(cache.sample.glob("*/*/*.jpg"))


@pytest.fixture(scope="session")
def portrait(cache: Cache) -> Path:
    """A photo with one large face."""
    return sorted((cache.sample / "val" / "ben_afflek").glob("*.jpg"))[1]


@pytest.fixture(scope="session")
def people(cache: Cache) -> dict[str, list[Path]]:
    """Each person's training photos."""
    return {
        folder.name: sorted(folder.glob("*.jpg")) for folder in sorted((cache.sample / "train").iterdir())
    }


@pytest.fixture(scope="session")
def service(cache: Cache):
    """A test client of the service, with the profile facenet."""
    before = pipelines()
    client = create_app(Settings(cache=cache.root)).test_client()
    SHARED.extend(pipeline for pipeline in pipelines() if pipeline not in before)
    return client


def pipelines() -> list[FacePipeline]:
    return [found for found in gc.get_objects() if type(found) is FacePipeline]


@pytest.fixture(scope="module", autouse=True)
def released_networks() -> Iterator[None]:
    """Apps of a module's own end with it: their threads would keep the networks of all modules, 8 GB."""
    yield
    for pipeline in pipelines():
        if pipeline not in SHARED:
            pipeline.close()
    gc.collect()


@pytest.fixture(scope="session")
def version() -> str:
    """Elasticsearch's version; `./run test es9` sets another than the default."""
    return os.environ.get("INGEST_FACE_TEST_ENGINE", plugins.elasticsearch_version())


@pytest.fixture(scope="session")
def running(cache: Cache, version: str) -> Iterator[LocalStack]:
    """Elasticsearch with the plugin, and the service; pipelines and templates are installed."""
    if version != plugins.elasticsearch_version():
        with node9.running_stack(cache, version) as started:
            yield started
        return
    found, home = local_stack.prepare_all(print)
    with running_stack(found, home, print) as started:
        yield started


@pytest.fixture(scope="session")
def es(running: LocalStack) -> Elasticsearch:
    return running.connection.elasticsearch()


@pytest.fixture
def faces(es: Elasticsearch) -> Iterator[str]:
    """The alias `faces`, emptied at the end."""
    yield "faces"
    empty(es, "faces")


@pytest.fixture
def gallery(es: Elasticsearch) -> Iterator[str]:
    """The alias `face-gallery`, emptied at the end."""
    yield "face-gallery"
    empty(es, "face-gallery")


@pytest.fixture
def probes(es: Elasticsearch) -> Iterator[str]:
    """The alias `face-probes`, emptied at the end."""
    yield "face-probes"
    empty(es, "face-probes")


@pytest.fixture
def bulk(es: Elasticsearch) -> Callable[..., dict[str, dict]]:
    """Indexes documents (id -> body) in one bulk; returns the answers (id -> item)."""

    def send(
        documents: dict[str, dict], index: str = "faces", pipeline: str | None = None
    ) -> dict[str, dict]:
        operations: list[dict] = []
        for key, body in documents.items():
            operations += [{"index": {"_index": index, "_id": key}}, body]
        answer = es.bulk(operations=operations, pipeline=pipeline, refresh=True)
        return {item["index"]["_id"]: item["index"] for item in answer["items"]}

    return send


@pytest.fixture
def photos(people) -> dict[str, list[Path]]:
    """Each person's photos, by the names that the docs use."""
    return named_photos(people)


def named_photos(people: dict[str, list[Path]]) -> dict[str, list[Path]]:
    return {NAMES[name]: own for name, own in people.items() if name in NAMES}


@pytest.fixture(scope="session")
def archived(es: Elasticsearch, people) -> dict[str, dict]:
    """The documents of ``archive``."""
    photos = named_photos(people)
    documents = {
        f"{name.lower()}-{number}": {
            "image": encoded(path),
            "file": {"path": f"{name}/{number}.jpg"},
            "person": {"name": name},
            "observer": {"name": f"gate {number + 2}"},
            "@timestamp": f"2026-0{number + 4}-15T12:00:00Z",
        }
        for name, own in photos.items()
        for number, path in enumerate(own[:3])
    }
    together = picture(side_by_side([photos["Ann"][0], photos["Ben"][0]]), quality=92)
    documents["team"] = {"image": encoded(together), "file": {"path": "team.jpg"}}
    return processed(es, documents, "faces-archived")


@pytest.fixture
def archive(faces: str, archived: dict[str, dict], bulk) -> str:
    """Three photos of each person, ids like `ann-0`, and the unnamed photo `team` with Ann and Ben."""
    assert all(item["status"] == 201 for item in bulk(archived).values())
    return faces


@pytest.fixture(scope="session")
def group_photo(people: dict[str, list[Path]]) -> bytes:
    """Three people of the sample in one photo: Jerry Seinfeld, Mindy Kaling, Elton John."""
    names = ("jerry_seinfeld", "mindy_kaling", "elton_john")
    return picture(side_by_side([people[name][0] for name in names]), quality=92)


@pytest.fixture(scope="session")
def large_photo(portrait: Path) -> bytes:
    """A photo of about 5 MB: a portrait with the noise of a small sensor."""
    image = Image.open(portrait).convert("RGB")
    image = image.resize((3000, round(image.height * 3000 / image.width)), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(1).normal(0, 14, (image.height, image.width, 3))
    noisy = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    quality = 95
    while len(data := picture(noisy, quality=quality)) > 6_000_000:
        quality -= 3
    assert len(data) > 4_500_000, len(data)
    return data
