"""`faces reembed` on a cluster that is lost, or whose disk is full, in the middle of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from reembed_fixtures import Cluster
from tools import wait_until

from es_setup.embedded.local_node import Node
from faces import photo_vectors
from faces.reembedding import copying, moving
from faces.reembedding.copying import Copier
from faces.reembedding.reembedding import Reembedding
from faces.reembedding.standing import standing_runs

OURS = "face-decisions,face-gallery,face-probes,faces*"
FULL = {"index.blocks.read_only_allow_delete": True}


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    """A page has one document, and a lease that nobody could give back ends soon."""
    monkeypatch.setattr(copying, "AT_ONCE", 1)
    monkeypatch.setattr(copying, "RETRIES", {"max_retries": 0})
    monkeypatch.setattr("faces.reembedding.run.LEASE_S", 5)


@pytest.fixture
def decided(few: Cluster) -> Cluster:
    """With a label, a tag and a portrait."""
    assert few.run("label", "team", "--face", 0, "--name", "Ann")[0] == 0
    few.es.update(index="faces", id="ben-0", doc={"tags": ["trip"], "rating": 4}, refresh=True)
    return few


def when(monkeypatch, step: str, do: Callable[[], None]) -> None:
    """Once in the middle of a step: when a document of the archive is copied, just before the aliases move,
    or just after."""
    done: list[str] = []

    def once() -> None:
        if not done:
            done.append(step)
            do()

    write, begin, move = Copier._write, Reembedding.move, moving.move_aliases

    def written(self: Copier, copies: list) -> Iterator:
        yield from write(self, copies)
        if copies and step == "copying":
            once()

    def begun(self: Reembedding) -> None:
        if step == "before the move":
            once()
        begin(self)

    def moved(es, run) -> None:
        move(es, run)
        if step == "after the move":
            once()

    monkeypatch.setattr(Copier, "_write", written)
    monkeypatch.setattr(Reembedding, "move", begun)
    monkeypatch.setattr(moving, "move_aliases", moved)


def refused(cluster: Cluster) -> str:
    words = ("reembed", "--profile", "facenet-sface", "--to-url", cluster.new.url)
    status, _, err = cluster.run(*words)
    assert status == 1, err
    return err


def ends_whole(cluster: Cluster) -> None:
    """Run again, it completes, and everything is there once."""
    wait_until(lambda: not any(one.is_held for one in standing_runs(cluster.es)))
    assert cluster.reembed()["state"] == "settled"
    assert cluster.behind("faces") == ["faces-000002"]
    assert sorted(cluster.es.indices.get(index="faces*")) == ["faces-000001", "faces-000002"]
    found = cluster.documents("faces")
    assert sorted(found) == ["ann-0", "ben-0", "team"]
    assert {len(face["vector"]) for one in found.values() for face in one["faces"]} == {256}
    assert [len(found[key]["faces"]) for key in sorted(found)] == [1, 1, 3]
    said = [face.get("label", {}).get("name") for face in found["team"]["faces"]]
    assert (said, found["ben-0"]["tags"], found["ben-0"]["rating"]) == (["Ann", None, None], ["trip"], 4)
    decisions = json.loads(cluster.run("decisions", "--json")[1])["decisions"]
    assert [one["action"] for one in decisions] == ["label"]


@pytest.mark.parametrize("step", ["copying", "after the move"])
def test_the_node_is_lost_in_the_middle_and_started_again(
    step, decided: Cluster, own_node: Node, monkeypatch
):
    try:
        with monkeypatch.context() as patched:
            when(patched, step, own_node.kill)
            told = refused(decided)
    finally:
        own_node.start()
        own_node.wait_until_ready()
    assert decided.url in told
    assert decided.behind("faces") == ["faces-000001" if step == "copying" else "faces-000002"]
    assert decided.es.count(index="faces")["count"] == 3
    ends_whole(decided)


@pytest.mark.parametrize("step", ["copying", "before the move", "after the move"])
def test_every_index_is_blocked_in_the_middle_as_by_a_full_disk(step, decided: Cluster, monkeypatch):
    def fill(full: dict) -> None:
        decided.es.indices.put_settings(index=OURS, settings=full, expand_wildcards="all")

    with monkeypatch.context() as patched:
        when(patched, step, lambda: fill(FULL))
        told = refused(decided)
    assert "read_only_allow_delete" in told.replace("-", "_")
    assert decided.behind("faces") == ["faces-000002" if step == "after the move" else "faces-000001"]
    assert decided.es.count(index="faces")["count"] == 3, "searches answer meanwhile"
    refused(decided)  # it is still full
    fill(dict.fromkeys(FULL))
    ends_whole(decided)


def test_the_service_of_the_new_model_is_lost_in_the_middle(decided: Cluster, monkeypatch):
    new = decided.new

    def lose() -> None:
        os.killpg(new.pid, signal.SIGKILL)
        new.process.wait()

    monkeypatch.setattr(photo_vectors, "RECONNECTIONS", 0)
    try:
        with monkeypatch.context() as patched:
            when(patched, "copying", lose)
            told = refused(decided)
    finally:
        new.start_again()
    assert new.url in told
    assert decided.behind("faces") == ["faces-000001"]
    ends_whole(decided)
