"""The sections "Review" and "Is everything all right?" of docs/daily-work.md, as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tools import encoded, picture, scene, side_by_side

PAGE = (Path(__file__).parents[2] / "docs" / "daily-work.md").read_text()


@pytest.fixture
def play(run, running, version):
    """Runs the commands of a scene; returns what is printed, and what the page says, without what differs
    from machine to machine."""

    def same(text: str) -> list[str]:
        text = text.replace(running.connection.es_url, "http://127.0.0.1:9200")
        text = text.replace(running.connection.faces_url, "http://127.0.0.1:8501").replace(version, "8.19.21")
        text = re.sub(r"[\d.]+ [kMGT]?B\b|\d+%|node \[[^\]]*\]", "…", text)
        return [" ".join(line.split()) for line in text.splitlines()]

    def both(name: str) -> tuple[list[str], list[str]]:
        printed, told = "", ""
        for part in re.split(r"(?m)^\$ ", scene(PAGE, name))[1:]:
            command, _, output = part.partition("\n")
            piped = re.fullmatch(r"printf '(.*)' \| (.*)", command)
            typed, words = (piped[1].replace("\\n", "\n"), piped[2]) if piped else (None, command)
            _, out, _ = run(*shlex.split(words)[1:], stdin=typed)
            printed, told = printed + out, told + output
        return same(printed), same(told)

    return both


@pytest.fixture
def gate(gallery, probes, bulk, photos, calibrate) -> None:
    """A gallery of two, and two photos from a gate."""
    bulk(
        {
            "ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}, "tags": ["watch"]},
            "ben": {"image": encoded(photos["Ben"][0]), "person": {"name": "Ben"}},
        },
        index=gallery,
    )
    calibrate(gallery, 0.95)
    together = picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)
    bulk(
        {
            "gate-1": {"image": encoded(photos["Ann"][3]), "file": {"path": "gate/0001.jpg"}},
            "gate-2": {"image": encoded(together), "file": {"path": "gate/0002.jpg"}},
        },
        index=probes,
    )


@pytest.mark.parametrize("name", ["review", "status", "doctor", "move"])
def test_the_page_shows_what_is_printed(play, gate, name):
    printed, told = play(name)
    assert printed == told
