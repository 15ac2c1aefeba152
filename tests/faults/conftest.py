"""What the tests of faults share: how much is sent, and the photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces import local_stack
from ingest_service.weights.cache import Cache


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="a tenth of the documents")


@pytest.fixture(scope="session")
def count(request: pytest.FixtureRequest) -> int:
    """How many documents a test sends."""
    return 600 if request.config.getoption("--short") else 6000


@pytest.fixture(scope="session")
def real_count(request: pytest.FixtureRequest) -> int:
    """How many documents a test with real services sends: these take longer."""
    return 200 if request.config.getoption("--short") else 6000


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with local_stack.working_folder() as path:
        yield path


@pytest.fixture(scope="session")
def small_photos(sample: list[Path], cache: Cache) -> list[bytes]:
    """The smallest sample photos; the service finds a face in each."""
    return [path.read_bytes() for path in sorted(sample, key=lambda path: path.stat().st_size)[:24]]
