"""What the tests of security share: a node with security on, a service with TLS and a key, and users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from secured_stack import Secured, running_secured

from faces import local_stack
from ingest_service.weights.cache import Cache


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with local_stack.working_folder() as path:
        yield path


@pytest.fixture(scope="session")
def secured(
    cache: Cache, home: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    with running_secured(cache, home, folder, tmp_path_factory.mktemp("certificates")) as found:
        yield found
