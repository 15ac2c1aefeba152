"""The commands of docs/chores.md, `## Without the plugin`, as they stand there."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import encoded, picture, scene, side_by_side

from es_setup.embedded import plugins

PAGE = Path(__file__).parents[2] / "docs" / "chores.md"


@pytest.fixture
def play(without) -> Callable[[str], tuple[list[str], list[str]]]:
    """Runs the one command of a scene; returns the lines that it prints, and those of the page."""

    def both(name: str) -> tuple[list[str], list[str]]:
        command, _, told = scene(PAGE.read_text(), name).removeprefix("$ ").partition("\n")
        code, out, err = without(*shlex.split(command)[1:])
        assert code == 0, err
        return out.splitlines(), told.splitlines()

    return both


def test_photos_that_wait_get_their_faces(play, plain, photos):
    team = picture(side_by_side([photos[name][0] for name in ("Ann", "Ben", "Cara")]), quality=92)
    sent = [encoded(photos["Ann"][0]), encoded(photos["Ben"][0]), encoded(team), "bm8gcGhvdG8="]
    for key, image in enumerate(sent):
        plain.index(index="faces", id=str(key), document={"image": image}, refresh=True)
    printed, told = play("worker")
    assert printed == told


def test_doctor_knows_what_does_the_plugins_work(play, version):
    if version != plugins.elasticsearch_version():
        pytest.skip("a node in Elasticsearch's test framework has no licence to look at")
    printed, told = play("doctor without the plugin")
    assert printed == told
