"""The section "Say who it is" of docs/daily-work.md, from its first command to the last."""

from __future__ import annotations

import pytest

SCENES = (
    "label",
    "label one of several",
    "label a table",
    "label similar faces",
    "correct",
    "ignore",
    "rename",
    "undo",
)


@pytest.fixture
def party(unnamed, album, store, es) -> str:
    """The album, below `party`."""
    photos = {
        key: document | {"file": document["file"] | {"path": f"party/{key}.jpg"}}
        for key, document in album.documents.items()
    }
    store(unnamed, photos)
    return unnamed


def test_the_page_shows_what_is_printed(party, play):
    for name in SCENES:
        printed, told = play(name)
        assert printed == told, name
