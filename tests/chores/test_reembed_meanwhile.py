"""What happens while `faces reembed` runs: others work on, it is killed, another one is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from reembed_fixtures import Cluster, store
from tools import encoded

from faces.reembedding import copying, moving, new_indices, reembedding, serving
from faces.reembedding.reembedding import Reembedding
from faces.reembedding.run import Overtaken, RunRecord


def labels(cluster: Cluster, key: str) -> list[str | None]:
    faces = cluster.documents("faces")[key]["faces"]
    return [face.get("label", {}).get("name") for face in faces]


def dims(cluster: Cluster) -> dict[str, set[int]]:
    found = cluster.documents("faces")
    return {key: {len(face["vector"]) for face in one["faces"]} for key, one in found.items()}


def before_the_sample(monkeypatch, do: Callable[[], None]) -> None:
    """As if somebody did it between the copying and the move."""
    original = Reembedding.sample

    def sample(self: Reembedding) -> Iterator:
        do()
        yield from original(self)

    monkeypatch.setattr(Reembedding, "sample", sample)


def test_what_arrives_changes_or_is_deleted_meanwhile_is_caught_up(few: Cluster, album, monkeypatch):
    def meanwhile() -> None:
        document = {"image": encoded(album.files["cara-0"])}
        few.es.index(index="faces", id="cara-0", document=document, refresh=True)
        few.es.delete(index="faces", id="ben-0", refresh=True)
        assert few.run("label", "team", "--face", 0, "--name", "Ann")[0] == 0

    # Of two models, as an index may be by somebody's mistake.
    older = {**few.documents("faces")["ann-0"], "model": {"id": "facenet-00000000"}}
    store(few.es, "faces", {"ann-0": older}, pipeline="_none")
    before_the_sample(monkeypatch, meanwhile)
    answer = few.reembed()
    assert (answer["copied"], answer["caught_up"], answer["deleted"]) == (3, 2, 1)
    assert dims(few) == {"ann-0": {256}, "cara-0": {256}, "team": {256}}
    assert labels(few, "team") == ["Ann", None, None]
    assert {one["model"]["id"] for one in few.documents("faces").values()} == {few.new.model}


def test_a_write_at_the_last_moment_is_carried_over_and_a_later_one_is_refused(
    few: Cluster, album, monkeypatch
):
    original = moving.move_aliases

    def moved(es, run) -> None:
        original(es, run)
        # They were on their way to the old index when the alias moved.
        es.delete(index="faces-000001", id="ben-0", refresh=True)
        es.index(
            index="faces-000001",
            id="late",
            document=album.documents["cara-0"],
            pipeline="_none",
            refresh=True,
        )
        # And this came the new way.
        es.index(index="faces", id="new", document={"image": encoded(album.files["cara-1"])}, refresh=True)

    monkeypatch.setattr(moving, "move_aliases", moved)
    few.reembed()
    assert dims(few) == {"ann-0": {256}, "team": {256}, "late": {256}, "new": {256}}
    status, _, err = few.run("label", "ann-0", "--name", "Ann", "--index", "faces-000001")
    assert status == 1
    assert "faces-000001" in err
    assert labels(few, "ann-0") == [None]


def test_who_is_forgotten_meanwhile_does_not_come_back(few: Cluster, monkeypatch):
    assert few.run("label", "ben-0", "--name", "Ben")[0] == 0
    assert few.run("label", "team", "--face", 0, "--name", "Ben")[0] == 0
    words = ("forget", "--person", "Ben", "--yes", "--no-expunge")
    before_the_sample(monkeypatch, lambda: few.run(*words))
    few.reembed()
    assert dims(few) == {"ann-0": {256}, "team": {256}}
    assert len(few.documents("faces")["team"]["faces"]) == 2


STEPS: dict[str, tuple[object, str]] = {
    "create": (new_indices, "create"),
    "copy": (reembedding.Copier, "_write"),
    "move": (moving, "move_aliases"),
    "ask": (serving, "set_urls"),
    "pipelines": (serving, "put_pipelines_back"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_and_run_again_it_ends_the_same(step, few: Cluster, album, monkeypatch):
    assert few.run("label", "team", "--face", 0, "--name", "Ann")[0] == 0
    place, name = STEPS[step]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(place, name, killed)
        few.reembed(status=130)
    alias = few.behind("faces")
    assert alias == (["faces-000002"] if step == "pipelines" else ["faces-000001"])
    assert few.es.count(index="faces")["count"] == 3, "searches answer meanwhile"
    assert few.reembed()["state"] == "settled"
    assert few.behind("faces") == ["faces-000002"]
    assert dims(few) == {"ann-0": {256}, "ben-0": {256}, "team": {256}}
    assert labels(few, "team") == ["Ann", None, None]
    few.es.index(index="faces", id="new", document={"image": encoded(album.files["cara-1"])}, refresh=True)
    assert dims(few)["new"] == {256}
    indices = few.es.indices.get(index="face*")
    assert [name for name in indices if name.startswith("faces-")] == ["faces-000001", "faces-000002"]


def test_a_full_disk_stops_it_and_the_next_run_goes_on(few: Cluster, monkeypatch):
    original = new_indices.create
    full = {"index.blocks.read_only_allow_delete": True}

    def created(es, index: str, body: dict) -> None:
        original(es, index, body)
        if index == "faces-000002":
            es.indices.put_settings(index=index, settings=full)

    with monkeypatch.context() as patched:
        patched.setattr(new_indices, "create", created)
        patched.setattr(copying, "RETRIES", {"max_retries": 0})
        few.reembed(status=1)
    assert few.behind("faces") == ["faces-000001"]
    few.es.indices.put_settings(index="faces-000002", settings=dict.fromkeys(full))
    assert few.reembed()["copied"] == 3


def test_two_at_once_one_is_told_to_wait(few: Cluster):
    record = RunRecord(few.es, "face-gallery,face-probes,faces")
    record.take()
    status, _, err = few.run("reembed", "--profile", "facenet-sface", "--to-url", few.new.url)
    assert status == 1
    assert "[face-gallery,face-probes,faces]" in err
    assert few.behind("faces") == ["faces-000001"]
    record.release()
    few.reembed()


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_stops(few: Cluster, monkeypatch):
    record, other = (RunRecord(few.es, "faces") for _ in range(2))
    monkeypatch.setattr("faces.reembedding.run.LEASE_S", -1)
    record.take()
    other.take()
    with pytest.raises(Overtaken, match=r"\[faces\]"):
        record.release()
