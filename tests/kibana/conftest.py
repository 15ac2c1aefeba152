"""What the tests of the boards and of their import share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from board_fixtures import calibrate, renderer, scene  # noqa: F401
from drawn_boards import draw  # noqa: F401
from fake_kibana import FakeKibana
from small_boards import OBJECTS
from typer.testing import CliRunner

from faces.cli import app
from faces.local_stack import LocalStack
from kibana import build
from kibana.client import Kibana
from kibana.saved_object import ndjson, parsed

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fake() -> Iterator[FakeKibana]:
    with FakeKibana() as started:
        yield started


@pytest.fixture
def kibana(fake: FakeKibana) -> Kibana:
    return Kibana(fake.url)


@pytest.fixture
def dashboards(fake: FakeKibana, running: LocalStack) -> Run:
    """Runs `faces dashboards ...` with our boards; returns exit status, standard output and error."""

    def invoke(*arguments: object, **environment: str) -> tuple[int, str, str]:
        variables = {"KIBANA_URL": fake.url, "ES_URL": running.connection.es_url} | environment
        result = CliRunner().invoke(app, ["dashboards", *map(str, arguments)], env=variables)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the few boards that `run` uses instead of ours."""
    file = tmp_path / "saved_objects.ndjson"
    file.write_text(ndjson(OBJECTS))
    monkeypatch.setattr(build, "objects", lambda verdicts=None, desk=None: parsed(file.read_text()))
    return file


@pytest.fixture
def run(dashboards: Run, shipped: Path) -> Run:
    """As `dashboards`, with a few boards."""
    return dashboards
