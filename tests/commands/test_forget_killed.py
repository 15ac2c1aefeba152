"""`faces forget`, killed in the middle and run again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from forget_fixtures import copy_to, counted, named, source
from tools import mapping_of

from faces.erasure import forgetting
from faces.erasure.forgetting import Forgetting

pytestmark = pytest.mark.usefixtures("nothing_remembered")

STEPS = ("keep", "delete", "blank_journal", "expunge", "prove", "finish")


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_the_middle_it_ends_at_the_same_place(
    step, es, archive, portraits, run, forget, monkeypatch
):
    named(es, run, "team", "Ann", "Ben")

    def kill_after_the_first(self, documents: list) -> Iterator:
        for number, one in enumerate(original(self, documents)):
            if number == 2:
                raise KeyboardInterrupt
            yield one

    with monkeypatch.context() as patched:
        if step == "delete":
            original = forgetting.Remover.remove
            patched.setattr(forgetting.Remover, "remove", kill_after_the_first)
        elif step == "keep":
            patched.setattr(forgetting.Forgotten, "remember", killed)
        else:
            patched.setattr(Forgetting, step, killed)
        assert (
            run("forget", "--person", "Ann", "--yes", *([] if step == "expunge" else ["--no-expunge"]))[0]
            == 130
        )
    report = forget("--person", "Ann", expunge=step == "expunge")
    assert report["proved"]
    totals = [
        sum(one[what] for one in report["indices"].values()) for what in ("deleted", "changed", "faces")
    ]
    assert totals == [5, 1, 6]
    assert counted(es, "Ann") == 0
    es.indices.refresh(index="face-decisions")
    entries = es.search(index="face-decisions", size=100)["hits"]["hits"]
    assert '"Ann"' not in json.dumps([entry["_source"] for entry in entries])
    audits = [entry["_source"] for entry in entries if entry["_source"]["event"]["action"] == "forget"]
    assert {audit["operation"]["id"] for audit in audits} == {report["operation"]}
    if step == "expunge":
        assert {one["index"]: one["deleted_in_segments"] for one in report["expunged"]} == {
            "faces-000001": 0,
            "face-gallery-000001": 0,
            "face-decisions-000001": 0,
        }
        assert "indices" not in forget("--person", "Ann"), "there is nothing left to do"


def test_what_was_confirmed_goes_when_a_killed_run_goes_on(es, archive, run, forget, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(forgetting.Remover, "remove", killed)
        arguments = ("--person", "Ann", "--include-similar", 0.6, "--yes", "--no-expunge")
        assert run("forget", *arguments)[0] == 130
    assert source(es, "faces", "team")["face_count"] == 2
    forget("--person", "Ann")
    assert source(es, "faces", "team")["face_count"] == 1


def test_what_is_not_finished_is_a_finding_until_it_is(es, archive, run, forget, doctor, monkeypatch):
    def told() -> tuple[list[str], int]:
        status, found = doctor()
        assert status == 0
        report = json.loads(run("status", "--json")[1])["elasticsearch"]
        own = [one["severity"] for code, one in found.items() if code == "forget-unfinished"]
        return own, report["unfinished_forgets"]

    assert told() == ([], 0)
    with monkeypatch.context() as patched:
        patched.setattr(forgetting.Remover, "remove", killed)
        assert run("forget", "--person", "Ann", "--yes")[0] == 130
    assert told() == (["warning"], 1)
    forget("--person", "Ann")
    assert told() == (["warning"], 1), "the segments still have it"
    assert "Ann" not in doctor()[1]["forget-unfinished"]["problem"]
    forget("--person", "Ann", expunge=True)
    assert told() == ([], 0)


@pytest.fixture
def copied(es, archive, own_index) -> str:
    """An index that has all of the archive, too."""
    settings = {"index.default_pipeline": "_none"}
    index = own_index("copied", mappings=mapping_of(es, "faces"), settings=settings)
    copy_to(es, index)
    return index


def test_an_index_that_is_deleted_before_its_segments_are_rewritten_has_nothing_left(
    es, copied, run, forget, doctor
):
    assert copied in forget("--person", "Ann")["indices"]
    assert run("forget", "--person", "Ben", "--index", copied, "--yes", "--no-expunge")[0] == 0
    es.indices.delete(index=copied)
    report = forget("--person", "Ann")
    assert report["proved"]
    assert not any(copied in one["what"] for one in report["not_reached"])
    forget("--person", "Ann", expunge=True)
    forget("--person", "Ben", "--index", "faces", expunge=True)
    assert "forget-unfinished" not in doctor()[1]


def test_an_index_that_is_closed_before_its_segments_are_rewritten_is_to_be_opened(es, copied, forget):
    forget("--person", "Ann", "--index", copied)
    es.indices.close(index=copied)
    told = forget("--person", "Ann", status=1)["error"]
    assert f"[{copied}]" in told
    assert f"POST /{copied}/_open" in told
    assert source(es, "faces", "ann-0") is not None
    es.indices.open(index=copied)
    assert forget("--person", "Ann")["proved"]
