"""The real things that tests run on: weights, sample photos, Elasticsearch with the plugin, the service.

Brought once into the same cache that ``./run demo`` uses, and started once for the whole run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import node9
import numpy as np
import pytest
from PIL import Image
from tools import picture, side_by_side

from es_setup import engine, stack
from es_setup.stack import Stack, running_stack
from ingest_service.app import create_app
from ingest_service.settings import Settings
from ingest_service.weights import Cache, default_cache, prepare


@pytest.fixture(scope="session")
def cache() -> Cache:
    found = Cache(default_cache())
    prepare(found)
    return found


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
    """The service's test client, facenet profile."""
    return create_app(Settings(cache=cache.root)).test_client()


@pytest.fixture(scope="session")
def version() -> str:
    """Elasticsearch's: `./run test es9` asks for another."""
    return os.environ.get("INGEST_FACE_TEST_ENGINE", engine.VERSION)


@pytest.fixture(scope="session")
def running(cache: Cache, version: str) -> Iterator[Stack]:
    """Elasticsearch with the plugin and the service, everything installed."""
    if version != engine.VERSION:
        with node9.running_stack(cache, version) as started:
            yield started
        return
    found, home = stack.prepare_all(print)
    with running_stack(found, home, print) as started:
        yield started


@pytest.fixture(scope="session")
def group_photo(people: dict[str, list[Path]]) -> bytes:
    """Three people in one photo, from the sample: Jerry Seinfeld, Mindy Kaling, Elton John."""
    names = ("jerry_seinfeld", "mindy_kaling", "elton_john")
    return picture(side_by_side([people[name][0] for name in names]), quality=92)


@pytest.fixture(scope="session")
def large_photo(portrait: Path) -> bytes:
    """A photo of 5 MB: a portrait with the noise of a small sensor."""
    image = Image.open(portrait).convert("RGB")
    image = image.resize((3000, round(image.height * 3000 / image.width)), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(1).normal(0, 14, (image.height, image.width, 3))
    noisy = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    quality = 95
    while len(data := picture(noisy, quality=quality)) > 6_000_000:
        quality -= 3
    assert len(data) > 4_500_000, len(data)
    return data
