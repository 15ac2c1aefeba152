"""The commands about copies in docs/chores.md print what stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from copy_fixtures import compressed, cut, resized, sent
from tools import scene

PAGE = Path(__file__).parents[2] / "docs" / "chores.md"
SIZE = re.compile(r"\b\d{1,3}(?:,\d{3})+\b")
"""Bytes, which another version of the library that writes JPEG may change."""


def lines_of(text: str) -> list[str]:
    """Without the blanks of tables."""
    return [" ".join(SIZE.sub("n", line).split()) for line in text.splitlines()]


@pytest.fixture
def copied(faces, bulk, album, tmp_path, monkeypatch) -> Path:
    """A folder with a photo that somebody has found, and an archive that has it in other versions."""
    ann, ben = album.files["ann-0"], album.files["ben-0"]
    photos = {
        "1f": sent(ann, "2019/ann.jpg"),
        "2a": sent(cut(ann), "web/ann-cut.jpg"),
        "3c": sent(compressed(ann), "mail/ann.jpg"),
        "4d": sent(ben, "2020/ben.jpg"),
        "5b": sent(ben, "backup/ben.jpg"),
    }
    for number, document in enumerate(photos.values(), start=1):
        document["@timestamp"] = f"2026-0{number}-15T12:00:00Z"
    assert all(item["status"] == 201 for item in bulk(photos).values())
    (tmp_path / "found.jpg").write_bytes(resized(ann, 0.5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["versions of a photo", "duplicates"])
def test_the_page_shows_what_is_printed(copied, run, name):
    text = scene(PAGE.read_text(), name)
    command, _, told = text.removeprefix("$ ").partition("\n")
    status, out, err = run(*shlex.split(command)[1:])
    assert status == 0, err
    assert lines_of(out) == lines_of(told), out
