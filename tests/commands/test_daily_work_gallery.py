"""Sections of docs/daily-work.md, as they stand there: the gallery, who is this, who is where."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import encoded, picture, scene, side_by_side

PAGE = (Path(__file__).parents[2] / "docs" / "daily-work.md").read_text()


@pytest.fixture
def play(run) -> Callable[[str], tuple[list[str], list[str]]]:
    """Runs the commands of a scene; returns what is printed, and what the page says, without times and the
    user's name."""

    def same(text: str) -> list[str]:
        text = re.sub(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", "…", text).replace(f",{getpass.getuser()},", ",ann,")
        return [" ".join(line.split()) for line in text.splitlines()]

    def both(name: str) -> tuple[list[str], list[str]]:
        printed, told = "", ""
        for part in re.split(r"(?m)^\$ ", scene(PAGE, name))[1:]:
            command, _, output = part.partition("\n")
            _, out, _ = run(*shlex.split(command)[1:])
            printed, told = printed + out, told + output
        return same(printed), same(told)

    return both


@pytest.fixture
def day(tmp_path, monkeypatch, photos, gallery, probes, faces, journal, bulk) -> None:
    """Portraits and photos in the working folder, and some of them in the archive and among the probes."""
    monkeypatch.chdir(tmp_path)
    for name in ("Ann", "Ben"):
        Path("portraits", name).mkdir(parents=True)
        for number in range(2):
            Path("portraits", name, f"{number}.jpg").write_bytes(photos[name][number].read_bytes())
    team = picture(side_by_side([photos[name][2] for name in ("Ann", "Ben", "Cara")]), quality=92)
    gate = picture(side_by_side([photos[name][4] for name in ("Ann", "Dan")]), quality=92)
    Path("team.jpg").write_bytes(team)
    Path("gate.jpg").write_bytes(gate)
    archive = {"team": team, "ann-3": photos["Ann"][3].read_bytes(), "ben-3": photos["Ben"][3].read_bytes()}
    bulk(
        {
            key: {
                "image": encoded(data),
                "file": {"path": f"2026/{key}.jpg", "name": f"{key}.jpg"},
                "observer": {"name": "office"},
                "@timestamp": f"2026-0{number}-15T12:00:00Z",
            }
            for number, (key, data) in enumerate(archive.items(), start=1)
        }
    )
    bulk({"gate": {"image": encoded(gate), "file": {"path": "gate.jpg"}}}, index=probes)


@pytest.fixture
def named(day, run, whole, faces) -> None:
    """What a person has said of them; on the group's photo Ann, Ben and Cara stand from left to right."""
    stored = whole(faces, "team")["faces"]
    ann, ben, cara = sorted(range(3), key=lambda position: stored[position]["box"]["x"])
    assert cara == 1, "as the page says"
    for photo, face, name in (
        ("ann-3", 0, "Ann"),
        ("team", ann, "Ann"),
        ("team", ben, "Ben"),
        ("ben-3", 0, "Ben"),
    ):
        assert run("label", photo, "--face", face, "--name", name)[0] == 0


@pytest.fixture
def enrolled(named, run) -> None:
    assert run("enroll", "portraits", "--labels", "folder")[0] == 0


@pytest.mark.parametrize("name", ["enroll a folder", "enroll a photo", "enroll from the archive"])
def test_enrolling_prints_what_the_page_shows(named, run, play, name):
    if name == "enroll a photo":
        run("enroll", "portraits", "--labels", "folder")
    printed, told = play(name)
    assert printed == told


@pytest.mark.parametrize(
    "name", ["gallery", "tag", "identify", "identify all", "verify", "list people", "list photos", "export"]
)
def test_the_page_shows_what_is_printed(enrolled, run, play, name):
    if name == "tag":
        run("identify", "--all")
    printed, told = play(name)
    if name == "gallery":
        # Portraits of one folder are stored in any order, within a millisecond.
        printed, told = sorted(printed), sorted(told)
    assert printed == told
