"""What the tests on the real Elasticsearch share."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_fixtures import attach, calibrate, counted, good, own_index, run, whole  # noqa: F401
from elasticsearch import Elasticsearch
from tools import install_all

from faces.local_stack import LocalStack


@pytest.fixture
def pipeline(es: Elasticsearch) -> Iterator[Callable[..., str]]:
    """Creates pipelines with one face processor of these options; they are deleted at the end."""
    names: list[str] = []
    numbers = itertools.count()

    def make(**options: object) -> str:
        name = f"test-{next(numbers)}"
        es.ingest.put_pipeline(id=name, processors=[{"face": options}])
        names.append(name)
        return name

    yield make
    for name in names:
        es.ingest.delete_pipeline(id=name)


@pytest.fixture
def reinstalled(es: Elasticsearch, running: LocalStack) -> Iterator[None]:
    """Installs the served model's templates again at the end."""
    yield
    install_all(es, running.model)


@pytest.fixture
def week(tmp_path, people) -> Path:
    """Two photos of two people."""
    folder = tmp_path / "week1"
    folder.mkdir()
    shutil.copy(people["madonna"][0], folder / "IMG_1.jpg")
    shutil.copy(people["elton_john"][0], folder / "IMG_2.jpg")
    return folder
