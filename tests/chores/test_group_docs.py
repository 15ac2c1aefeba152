"""The commands of docs/chores.md about groups, as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tools import scene

PAGE = Path(__file__).parents[2] / "docs" / "chores.md"
FACE_ID = re.compile(r"\b[0-9a-f]{16}-(\d)\b")
GROUP = re.compile(r"\bg[a-z2-7]{6}\b")


def lines_of(text: str) -> list[str]:
    """Without the blanks of tables, and the ids of faces, which depend on how a photo was encoded."""
    return [FACE_ID.sub(r"\1", " ".join(line.split())) for line in text.splitlines()]


@pytest.fixture
def play(run):
    """Runs the commands of a scene; what they print, and what the page says. Groups of the page stand for
    those of the same place in the list here."""
    known: dict[str, str] = {}

    def both(name: str) -> tuple[list[str], list[str]]:
        printed, told = "", ""
        for part in re.split(r"(?m)^\$ ", scene(PAGE.read_text(), name))[1:]:
            command, _, output = part.partition("\n")
            words = [known.get(word, word) for word in shlex.split(command)[1:]]
            status, out, err = run(*words)
            assert status == 0, err
            known.update(zip(GROUP.findall(output), GROUP.findall(out), strict=True))
            printed, told = printed + out, told + output
        return lines_of(GROUP.sub("", printed)), lines_of(GROUP.sub("", told))

    return both


def test_groups_are_made_listed_split_and_named_as_the_page_says(unnamed, play, labels):
    for name in ("group", "split", "name a group"):
        printed, told = play(name)
        assert printed == told
    assert [labels(f"ann-{number}") for number in range(3)] == [["Ann"]] * 3
