"""The commands of docs/chores.md about another model print what stands there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from reembed_fixtures import Cluster
from tools import scene

PAGE = Path(__file__).parents[2] / "docs" / "chores.md"
SERVICE, FOLDER = "http://127.0.0.1:8502", "/srv/photos"
"""As the page has them."""


@pytest.fixture
def photos(album, tmp_path: Path) -> Path:
    """The folder, from which one photo is gone."""
    (tmp_path / "2026").mkdir()
    for name, file in album.files.items():
        if name != "ben-2":
            shutil.copy(file, tmp_path / "2026")
    return tmp_path


def test_the_page_shows_what_is_printed(filled: Cluster, photos: Path):
    # Within a list.
    text = scene(PAGE.read_text().replace("\n   ", "\n"), "reembed")
    commands = re.split(r"(?m)^\$ ", text)[1:]
    assert len(commands) == 2
    for part in commands:
        command, _, told = part.partition("\n")
        words = command.replace(SERVICE, filled.new.url).replace(FOLDER, str(photos))
        status, out, err = filled.run(*shlex.split(words)[1:])
        assert status == 0, err
        assert out.splitlines() == told.splitlines()
    assert filled.behind("faces") == ["faces-000002"]
