"""What the checks of the boards share: the scene in a real Elasticsearch, and a browser that draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from tools import empty

from es_setup.install import ALIASES
from ingest_service.weights import Cache
from kibana.preview import scene as scenes
from kibana.preview.renderer import Renderer, running_renderer
from kibana.preview.scene import SceneReport


@pytest.fixture(scope="module")
def scene(es: Elasticsearch, cache: Cache) -> Iterator[SceneReport]:
    """The scene, for the tests of one module: others empty the same aliases."""
    yield scenes.load(es, cache.sample)
    for alias in ALIASES:
        empty(es, alias)


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    with running_renderer(print) as found:
        yield found
