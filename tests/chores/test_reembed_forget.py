"""`faces forget` while the old indices of `faces reembed` are there, to which `--rollback` goes back."""

from __future__ import annotations

import json

import pytest
from reembed_fixtures import Cluster

OLD = ("face-gallery-000001", "face-probes-000001", "faces-000001")
NAMED = "faces,face-gallery,face-probes"


@pytest.fixture
def moved(filled: Cluster) -> Cluster:
    """Ann is in the gallery, in a photo of her own, in one of three people, and a guess of a probe."""
    assert filled.run("label", "ann-0", "--name", "Ann", "--index", "faces")[0] == 0
    assert filled.run("label", "team", "--face", 1, "--name", "Ann", "--index", "faces")[0] == 0
    filled.reembed()
    assert naming(filled) == {"faces": {"ann-0", "team"}, "face-gallery": {"Ann"}, "face-probes": {"team"}}
    return filled


def naming(cluster: Cluster) -> dict[str, set[str]]:
    """The documents that have Ann's name anywhere, by the alias that they are found by; of the gallery her
    name for each."""
    found: dict[str, set[str]] = {}
    for alias in NAMED.split(","):
        those = {key for key, one in cluster.documents(alias).items() if '"Ann"' in json.dumps(one)}
        if those:
            found[alias] = {"Ann"} if alias == "face-gallery" else those
    return found


def forget(cluster: Cluster, *options: str) -> tuple[int, str]:
    status, out, err = cluster.run("forget", "--person", "Ann", "--yes", "--no-expunge", "--json", *options)
    return status, err if status else out


def check_gone(cluster: Cluster) -> None:
    """Searches find nothing of Ann, and of the others everything."""
    documents = cluster.documents("faces")
    assert len(documents) == 9
    assert "ann-0" not in documents
    assert naming(cluster) == {}
    assert len(documents["team"]["faces"]) == 2


def open_to_writing(cluster: Cluster) -> None:
    cluster.es.indices.put_settings(index=",".join(OLD), settings={"index.blocks.write": None})


def test_old_indices_are_told_with_what_deletes_them_and_nothing_is_changed(moved: Cluster):
    before = naming(moved)
    status, told = forget(moved)
    assert status == 1
    assert "faces reembed --finish" in told
    for index in OLD:
        assert f"[{index}]" in told
    assert naming(moved) == before
    assert moved.run("forget", "--person", "Ann", "--dry-run")[0] == 0

    assert moved.run("reembed", "--finish", "--yes")[0] == 0
    assert forget(moved)[0] == 0
    check_gone(moved)


def test_who_is_forgotten_in_old_and_new_stays_away_after_a_rollback(moved: Cluster):
    open_to_writing(moved)
    status, told = forget(moved)
    assert status == 0, told
    assert sorted(json.loads(told)["indices"])[::2] == list(OLD)
    check_gone(moved)
    assert moved.run("reembed", "--rollback")[0] == 0
    assert moved.behind("faces") == ["faces-000001"]
    check_gone(moved)


def test_who_is_forgotten_in_the_new_alone_does_not_come_back_with_the_old(moved: Cluster):
    assert forget(moved, "--index", NAMED)[0] == 0
    check_gone(moved)
    assert moved.run("reembed", "--rollback")[0] == 0
    assert moved.behind("faces") == ["faces-000001"]
    check_gone(moved)


def test_a_closed_old_index_is_to_be_opened_or_deleted(moved: Cluster):
    before = naming(moved)
    moved.es.indices.close(index="faces-000001")
    status, told = forget(moved)
    assert status == 1
    assert "[faces-000001]" in told
    assert "POST /faces-000001/_open" in told
    assert "faces reembed --finish" in told
    assert naming(moved) == before
    moved.es.indices.open(index="faces-000001")
    open_to_writing(moved)
    assert forget(moved)[0] == 0
    assert moved.run("reembed", "--rollback")[0] == 0
    check_gone(moved)
