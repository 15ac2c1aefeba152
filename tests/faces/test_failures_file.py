"""The file of photos that failed: whole or not there, and with a remedy for each error."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from faces.indexing.failures_file import FailuresFile
from faces.indexing.outcomes import IndexedPhoto, Outcome, failed
from faces.indexing.remedies import REMEDIES
from faces.photos import SentPhoto
from faces.refused import refusal_of

DOCS = Path(__file__).parents[2] / "docs"
PHOTO = SentPhoto(Path("a.jpg"), 'new\nline, "a".jpg', line=7)


def test_every_error_of_the_docs_has_a_remedy_of_its_own():
    section = DOCS.joinpath("pipeline.md").read_text().partition("**The photo is at fault.**")[2]
    table = section.partition("**The document is at fault**")[0]
    codes = {
        code
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", row)
    }
    assert {"not_base64", "truncated", "too_slow", "several_faces", "unavailable", "internal"} <= codes
    assert codes <= set(REMEDIES)
    assert all(re.fullmatch(r"[A-Z`].*\.", sentence) for sentence in REMEDIES.values())


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".ndjson", ".jsonl"])
def test_a_line_has_path_code_reason_and_remedy(tmp_path, suffix):
    file = tmp_path / f"failures{suffix}"
    failures = FailuresFile(file)
    failures.add(failed(PHOTO, "missing_file", "there is no file"))
    failures.add(
        IndexedPhoto(PHOTO, Outcome.NEW, ("faces-000001", "x"), code="damaged", error="[damaged] it is")
    )
    failures.add(IndexedPhoto(PHOTO, Outcome.NEW, ("faces-000001", "y")))
    assert not file.exists(), "not before it is whole"
    failures.finish()
    if suffix.lower() == ".csv":
        with file.open(newline="") as opened:
            rows = list(csv.DictReader(opened))
    else:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["path"], int(row["line"]), row["code"]) for row in rows] == [
        (PHOTO.name, 7, "missing_file"),
        (PHOTO.name, 7, "damaged"),
    ]
    assert [row["remedy"] for row in rows] == [REMEDIES["missing_file"], REMEDIES["damaged"]]
    assert rows[1]["id"] == "x"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_name_of_a_file_is_no_formula(tmp_path):
    file = tmp_path / "failures.csv"
    failures = FailuresFile(file)
    failures.add(failed(SentPhoto(Path("x"), "=HYPERLINK(1).jpg"), "missing_file", "there is no file"))
    failures.finish()
    with file.open(newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert row["path"] == "'=HYPERLINK(1).jpg"


def test_an_older_file_is_replaced_and_keeps_its_mode(tmp_path):
    file = tmp_path / "failures.csv"
    file.write_text("older")
    file.chmod(0o640)
    FailuresFile(file).finish()
    assert file.read_text().startswith("path,")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "failures.ndjson"
    file.write_text("older")
    make = tempfile.mkstemp

    def make_on_a_full_disk(*arguments: object, **options: object) -> tuple[int, str]:
        descriptor, name = make(*arguments, **options)
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(tempfile, "mkstemp", make_on_a_full_disk)
    failures = FailuresFile(file)
    for _ in range(1000):
        failures.add(failed(PHOTO, "missing_file", "there is no file"))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        failures.finish()
    assert file.read_text() == "older"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_run_left_goes_at_the_next_and_what_another_run_writes_stays(tmp_path):
    file = tmp_path / "failures.csv"
    killed = f"""
import os, pathlib
from faces.indexing.failures_file import FailuresFile
begun = FailuresFile(pathlib.Path({str(file)!r}))
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed], cwd=DOCS.parent, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    other, own = FailuresFile(file), FailuresFile(file)
    own.finish()
    assert len(list(tmp_path.iterdir())) == 2, "the other's is not finished"
    other.finish()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"status": 400, "error": {"type": "x", "reason": "y"}}, "refused"),
        ({"status": 403, "error": {"type": "security_exception", "reason": "y"}}, "forbidden"),
        ({"status": 403, "error": {"type": "cluster_block_exception", "reason": "y"}}, "read_only"),
        ({"status": 429, "error": {"type": "cluster_block_exception", "reason": "flood-stage"}}, "read_only"),
        ({"status": 429, "error": {"type": "x", "reason": "busy"}}, "not_reached"),
        ({"status": 413, "error": "too large"}, "request_too_large"),
    ],
)
def test_each_refusal_has_a_code_with_a_remedy(item, code):
    assert refusal_of(item).code == code
    assert code in REMEDIES
