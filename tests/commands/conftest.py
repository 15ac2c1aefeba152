"""What scenes of the commands share; the commands of docs/daily-work.md are played as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from album_fixtures import (  # noqa: F401
    album,
    bare,
    emptied_journal,
    journal,
    killed,
    labels,
    said,
    snapshot,
    store,
    unnamed,
)
from command_fixtures import attach, calibrate, counted, good, own_index, run, whole  # noqa: F401
from doctor_fixtures import doctor, paste  # noqa: F401
from forget_fixtures import forget, nothing_remembered, portraits, portrayed  # noqa: F401
from tools import scene

DONE = re.compile(r" of [-\d]{10}T\S+ by \[.+\], operation [0-9a-f]{12}$")
PAGE = Path(__file__).parents[2] / "docs" / "daily-work.md"


def lines_of(text: str) -> list[str]:
    """Without the blanks of tables, and when, by whom and as which operation something was done."""
    return [DONE.sub("", " ".join(line.split())) for line in text.splitlines()]


@pytest.fixture
def play(run) -> Callable[[str], tuple[list[str], list[str]]]:  # noqa: F811
    """Runs the commands of a scene of docs/daily-work.md; returns the lines on standard output, and those of
    the page, without the blanks of tables."""

    def both(name: str) -> tuple[list[str], list[str]]:
        printed, told = "", ""
        for part in re.split(r"(?m)^\$ ", scene(PAGE.read_text(), name))[1:]:
            command, _, output = part.partition("\n")
            piped = re.fullmatch(r"printf '(.*)' \| (.*)", command)
            typed, words = (piped[1].replace("\\n", "\n"), piped[2]) if piped else (None, command)
            status, out, err = run(*shlex.split(words)[1:], stdin=typed)
            assert status == 0, err
            printed, told = printed + out, told + output
        return lines_of(printed), lines_of(told)

    return both
