"""Runs `faces doctor`, and the lines that it prints."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable

import pytest

Findings = dict[str, dict[str, str]]


@pytest.fixture
def doctor(run) -> Callable[..., tuple[int, Findings]]:
    """Runs `faces doctor`; returns its exit status and the findings by code."""

    def examine(*options: str, **environment: str) -> tuple[int, Findings]:
        status, out, err = run("doctor", "--json", *options, **environment)
        assert out, err
        return status, {finding["code"]: finding for finding in json.loads(out)["findings"]}

    return examine


@pytest.fixture
def paste(run) -> Callable[[dict[str, str]], None]:
    """Runs a finding's remedy, as somebody who pastes it into a shell."""

    def mend(finding: dict[str, str]) -> None:
        words = shlex.split(finding["remedy"])
        if words[0] == "faces":
            status, _, err = run(*words[1:])
            assert status == 0, err
            return
        answer = subprocess.run(
            finding["remedy"], shell=True, capture_output=True, text=True, timeout=60, check=True
        )
        assert "error" not in json.loads(answer.stdout), answer.stdout

    return mend
