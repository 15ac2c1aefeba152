"""Names, paths and addresses that would act if a board showed them as anything but text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_boards import GALLERY, NEWEST, PANELS
from elasticsearch import Elasticsearch
from hostile_text import ADDRESSES, LINK, SCRIPT
from tools import empty, encoded

from board_preview.chromium import Action
from es_setup.shipped_files import ALIASES


@pytest.fixture(scope="module")
def hostile(es: Elasticsearch, people: dict[str, list[Path]]) -> Iterator[None]:
    """A few photos in each index whose every text is hostile."""
    for alias in ALIASES:
        empty(es, alias)
    photos = [photo for named in people.values() for photo in named[:2]]
    for alias in ALIASES:
        for number, photo in enumerate(photos):
            text = (SCRIPT, LINK)[number % 2]
            document = {
                "image": encoded(photo),
                "person": {"name": text},
                "observer": {"name": text},
                "file": {"path": f"{text}/{text.replace('/', ' ')}"},
                "url": {"original": ADDRESSES[number % len(ADDRESSES)]},
                "tags": [text],
            }
            es.index(index=alias, id=f"{text}-{number}"[:200], document=document)
        es.indices.refresh(index=alias)
    yield
    for alias in ALIASES:
        empty(es, alias)


@pytest.fixture
def scene(hostile: None) -> None:
    """In place of the sample's."""


@pytest.mark.parametrize("name", PANELS)
def test_no_panel_runs_links_or_loads_what_a_text_says(draw, name):
    drawn = draw(name)
    assert (drawn.active, drawn.page_title) == ([], "")
    assert not drawn.errors


@pytest.mark.parametrize(("name", "mark"), [(GALLERY, "face"), (NEWEST, "probe")])
def test_a_tooltip_and_a_filter_show_a_hostile_name_as_text(draw, name, mark):
    drawn = draw(name, actions=[Action("hover", mark, 0)])
    assert "javascript:" in drawn.tooltip or "<script>" in drawn.tooltip
    assert (drawn.active, drawn.page_title) == ([], "")
    clicked = draw(name, actions=[Action("click", mark, 0)])
    assert clicked.calls
    assert (clicked.active, clicked.page_title) == ([], "")
