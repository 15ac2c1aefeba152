"""What the tests of the boards share: the scene in a real Elasticsearch, and a browser that draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from tools import empty, one_at_a_time

from board_preview import scene_loading
from board_preview.chromium import Renderer, running_renderer
from board_preview.scene_loading import SceneReport
from es_setup import models
from es_setup.shipped_files import ALIASES
from ingest_service.weights.cache import Cache


@pytest.fixture(scope="module")
def scene(es: Elasticsearch, cache: Cache) -> Iterator[SceneReport]:
    """The scene, for the tests of one module; other modules empty the same aliases."""
    yield scene_loading.load(es, cache.sample)
    for alias in ALIASES:
        empty(es, alias)


@pytest.fixture
def calibrate(es: Elasticsearch) -> Iterator[Callable[..., None]]:
    """Records a calibration in the indices of the three aliases, or of the named ones; None removes it. It is
    removed after the test."""
    before = {
        index: found["mappings"]["_meta"] for index, found in es.indices.get_mapping(index=ALIASES).items()
    }

    def record(
        calibration: Any = scene_loading.CALIBRATION.as_meta(),  # noqa: B008
        aliases: tuple[str, ...] = ALIASES,
    ) -> None:
        for index, model in models.declared(es, ",".join(aliases)).items():
            own = calibration | {"model": model} if isinstance(calibration, dict) else calibration
            models.record(es, index, calibration=own)

    yield record
    for index, meta in before.items():
        es.indices.put_mapping(index=index, meta=meta)


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    with one_at_a_time(), running_renderer(print):
        pass  # npm has installed Vega
    with running_renderer(print) as found:
        yield found
