"""The section "Forget a person" of docs/daily-work.md."""

from __future__ import annotations

import re

import pytest
from tools import empty


@pytest.fixture
def party(es, unnamed, album, store, run):
    """The album, below `party`, with Ann's name on two photos and on her face in `team`."""
    photos = {
        key: document | {"file": document["file"] | {"path": f"party/{key}.jpg"}}
        for key, document in album.documents.items()
    }
    store(unnamed, photos)
    for key in ("ann-0", "ann-1"):
        assert run("label", f"party/{key}.jpg", "--name", "Ann")[0] == 0
    faces = album.documents["team"]["faces"]
    left = min(range(len(faces)), key=lambda position: faces[position]["box"]["x"])
    assert run("label", "party/team.jpg", "--face", left, "--name", "Ann")[0] == 0
    yield unnamed
    empty(es, "face-forgotten")


def same(lines: list[str]) -> list[str]:
    """Without ids, and without what each machine's other indices and logs say."""
    return [re.sub(r"operation [0-9a-f]+", "operation …", line) for line in lines]


@pytest.mark.parametrize("name", ["what would be forgotten", "forget"])
def test_the_page_shows_what_is_printed(party, play, name):
    printed, told = play(name)
    assert same(printed) == same(told)
