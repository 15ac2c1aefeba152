"""Services in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faces.local_service import running_service


@pytest.fixture
def start(cache, tmp_path):
    """Starts the service with settings; its log is read by ``lines``."""

    @contextmanager
    def started(**settings: object):
        environment = {f"FACES_{name.upper()}": str(value) for name, value in settings.items()}
        with running_service(cache, tmp_path, environment=environment) as running:
            yield running

    return started


@pytest.fixture(scope="module")
def shared(cache, tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A service for tests that leave it as it was: (url, log)."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(cache, folder) as running:
        yield running.url, folder / "logs" / "service.log"
