"""The section "Photos in" of docs/daily-work.md, as it stands there, from its first command to its last."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tools import encoded, scene

PAGE = (Path(__file__).parents[2] / "docs" / "daily-work.md").read_text()


@pytest.fixture
def desk(tmp_path, people, monkeypatch) -> Path:
    """The folder in which the commands are typed."""
    for file, person, number in (
        ("album/Ann/1.jpg", "mindy_kaling", 0),
        ("album/Ann/2.jpg", "mindy_kaling", 1),
        ("album/Ben/1.jpg", "ben_afflek", 0),
        ("week/1.jpg", "madonna", 0),
        ("week/2.jpg", "madonna", 1),
        ("portraits/Ann/1.jpg", "mindy_kaling", 2),
        ("portraits/Ben/1.jpg", "ben_afflek", 2),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(people[person][number], tmp_path / file)
    (tmp_path / "week/photos.csv").write_text(scene(PAGE, "week/photos.csv"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def night(es, faces, people) -> None:
    """What a night without the service left."""
    for number, (photo, code) in enumerate(
        (
            (encoded(people["elton_john"][0]), "unavailable"),
            (encoded(people["elton_john"][1]), "unavailable"),
            (encoded(b"no photo"), "not_an_image"),
        )
    ):
        document = {
            "image": photo,
            "file": {"path": f"gate/000{number}.jpg"},
            "error": {"code": code, "message": "as it was"},
        }
        es.index(index=faces, document=document, pipeline="_none", refresh=True)


@pytest.fixture
def play(run):
    """Runs the commands of a scene; returns what is printed, and what the page says."""

    def both(name: str) -> tuple[str, str]:
        printed, told = "", ""
        for part in re.split(r"(?m)^\$ ", scene(PAGE, name))[1:]:
            command, _, output = part.partition("\n")
            printed += run(*shlex.split(command)[1:])[1]
            told += output
        return printed, told

    return both


def test_the_page_shows_what_is_printed(desk, night, faces, gallery, play):
    printed, told = {}, {}
    for name in ("index a folder", "index a list", "enroll portraits", "retry and discard"):
        printed[name], told[name] = play(name)
    told["failures"] = scene(PAGE, "failures.csv")
    printed["failures"] = (desk / "failures.csv").read_text().replace("\r\n", "\n")
    assert printed == told
