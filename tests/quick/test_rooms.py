"""The rooms: imports run down only, no file is too long, and each version stands in one file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from es_setup.embedded.plugins import elasticsearch_version
from ingest_service import __version__

ROOT = Path(__file__).parents[2]
ROOMS = ("board_preview", "desk_preview", "evaluation", "faces", "kibana", "es_setup", "ingest_service")
MOST_LINES = 350


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The rooms' Python, to plant something in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if not {"node_modules", "target"} & set(path.parts):
                target = tmp_path / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    return tmp_path


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def plant(file: Path, line: str) -> None:
    file.write_text(file.read_text() + f"\n{line}\n")


def test_the_contracts_hold_here(copy):
    run = contracts(copy)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("es_setup/mappings.py", "from faces import photos", "es_setup.mappings -> faces.photos"),
        ("ingest_service/quality.py", "import es_setup.models", "ingest_service.quality -> es_setup.models"),
        ("faces/photos.py", "import evaluation.task", "faces.photos -> evaluation.task"),
        ("board_preview/errors.py", "import evaluation.task", "board_preview.errors -> evaluation.task"),
        (
            "board_preview/errors.py",
            "import desk_preview.stock",
            "board_preview.errors -> desk_preview.stock",
        ),
        (
            "faces/error_rates/interval.py",
            "import faces.photos",
            "faces.error_rates.interval -> faces.photos",
        ),
    ],
)
def test_an_import_that_runs_up_or_across_is_found(copy, file, line, broken):
    plant(copy / file, line)
    run = contracts(copy)
    assert run.returncode != 0
    assert broken in re.sub(r"\s+", " ", run.stdout)


def test_no_source_file_is_too_long():
    sources = tracked("*.py", "*.java", "*.js", "*.mjs", "run")
    assert len(sources) > 250
    assert [path.name for path in sources if len(path.read_text().splitlines()) > MOST_LINES] == []


def test_each_version_stands_in_one_file():
    """Beside docs, which show what was printed, and tests."""
    configured = [
        path
        for path in tracked()
        if not {"docs", "tests", "locks"} & set(path.relative_to(ROOT).parts)
        and path.suffix not in (".md", ".jpg", ".png", ".ipynb", ".ndjson", ".txt")
        and path.name not in ("package-lock.json", "LICENSE")
    ]
    for version, file in ((elasticsearch_version(), ".env"), (__version__, "ingest_service/__init__.py")):
        literal = re.compile(rf"(?<![\w.]){re.escape(version)}(?![\w.]*\w)")
        found = {path.relative_to(ROOT).as_posix() for path in configured if literal.search(path.read_text())}
        assert found == {file}
