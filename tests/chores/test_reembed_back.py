"""`faces reembed --rollback` and `--finish`; an index of somebody's own; refusals; a cluster without the
plugin."""

from __future__ import annotations

import json

import pytest
from reembed_fixtures import NEW, Cluster, store
from tools import empty, encoded, mapping_of

from faces.reembedding import sampling


def dims(cluster: Cluster, index: str = "faces") -> dict[str, set[int]]:
    found = cluster.documents(index)
    return {key: {len(face["vector"]) for face in one["faces"]} for key, one in found.items()}


def test_a_rollback_loses_nothing_and_leaves_all_as_it_was(filled: Cluster, album):
    es = filled.es
    before = {index: filled.documents(index) for index in ("faces", "face-probes", "face-gallery")}
    filled.reembed()
    es.index(index="faces", id="new", document={"image": encoded(album.files["cara-1"])}, refresh=True)
    es.delete(index="faces", id="cara-2", refresh=True)
    assert filled.run("label", "team", "--face", 0, "--name", "Ann", "--index", "faces")[0] == 0
    status, out, err = filled.run("reembed", "--rollback", "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert (answer["state"], answer["back"], answer["copied"], answer["deleted"]) == ("settled", True, 2, 1)
    assert filled.behind("faces") == ["faces-000001"]
    after = filled.documents("faces")
    assert after.keys() == before["faces"].keys() - {"cara-2"} | {"new"}
    assert dims(filled) == {key: {128} for key in after}
    assert after["team"]["faces"][0].pop("label") == {"name": "Ann"}
    for name in ("team", "new"):
        after.pop(name)
    assert after == {key: before["faces"][key] for key in after}
    for alias in ("face-probes", "face-gallery"):
        assert filled.documents(alias) == before[alias]
    assert es.cluster.get_settings(flat_settings=True)["persistent"].get("face.endpoint.default.urls") is None
    es.index(index="faces", id="newer", document={"image": encoded(album.files["cara-1"])}, refresh=True)
    assert dims(filled)["newer"] == {128}
    assert filled.run("install", "--dry-run")[0] == 0

    assert filled.run("reembed", "--finish", "--yes")[0] == 0
    assert sorted(es.indices.get(index="faces*")) == ["faces-000001"]
    assert es.cluster.get_settings(flat_settings=True)["persistent"] == {}
    assert [name for name in es.ingest.get_pipeline() if "reembedding" in name] == []


def test_before_the_move_a_rollback_gives_up(few: Cluster, monkeypatch):
    monkeypatch.setattr(sampling, "LEAST_RECALL", 1.1)
    words = ("reembed", "--profile", NEW, "--to-url", few.new.url)
    status, _, err = few.run(*words)
    assert status == 1
    assert "[faces-000002]" in err
    assert few.behind("faces") == ["faces-000001"]
    assert few.run("reembed", "--rollback")[0] == 0
    assert sorted(few.es.indices.get(index="faces*")) == ["faces-000001"]
    assert few.run("reembed", "--rollback")[0] == 1, "there is nothing to take back any more"
    assert few.run(*words, "--force")[0] == 0
    assert few.behind("faces") == ["faces-000002"]


def test_without_photo_and_crop_nothing_moves_unless_it_is_forced(few: Cluster):
    document = few.documents("faces")["ann-0"]
    del document["faces"][0]["crop"]
    document["faces"][0]["label"] = {"name": "Ann"}
    store(few.es, "faces", {"ann-0": document}, pipeline="_none")
    few.reembed(status=1)
    answer = few.reembed("--force")
    assert answer["state"] == "settled"
    face = few.documents("faces")["ann-0"]["faces"][0]
    assert ("vector" in face, face["label"]) == (False, {"name": "Ann"})


def test_the_service_of_another_model_changes_nothing(few: Cluster):
    status, _, err = few.run("reembed", "--profile", NEW)
    assert status == 1
    assert f"FACES_PROFILE={NEW}" in err
    status, _, err = few.run(
        "reembed", "--profile", NEW, "--to-url", few.new.url, "--endpoint-url", few.old.url
    )
    assert status == 1
    assert f"[{few.new.model}]" in err
    assert sorted(few.es.indices.get(index="faces*")) == ["faces-000001"]


def test_a_dry_run_says_what_would_be_done(few: Cluster):
    answer = few.reembed("--dry-run")
    [archive] = [one for one in answer["indices"] if one["old"] == "faces-000001"]
    assert archive == {
        "old": "faces-000001",
        "new": "faces-000002",
        "documents": 3,
        "faces": 5,
        "models": {few.old.model: 3},
    }
    assert sorted(few.es.indices.get(index="faces*")) == ["faces-000001"]


def test_an_index_of_ones_own_keeps_its_name_and_the_others_their_model(few: Cluster, album):
    few.es.indices.create(index="holiday", mappings={"properties": {"note": {"type": "text"}}})
    words = ("attach", "holiday", "--field", "picture", "--target-field", "portrait")
    assert few.run(*words)[0] == 0
    few.es.index(
        index="holiday",
        id="1",
        document={"picture": encoded(album.files["ann-0"]), "note": "at the sea"},
        refresh=True,
    )
    status, _, err = few.run("reembed", "--profile", NEW, "--to-url", few.new.url)
    assert status == 1, "it would be left without its service"
    assert "[holiday]" in err

    answer = few.reembed("--index", "holiday")
    assert answer["vectors"]["document"] == 1
    assert few.behind("holiday") == ["holiday-000002"]
    [document] = few.documents("holiday").values()
    assert (document["note"], len(document["portrait"]["faces"][0]["vector"])) == ("at the sea", 256)
    assert mapping_of(few.es, "holiday")["properties"]["note"]["type"] == "text"
    few.es.index(index="holiday", id="2", document={"picture": encoded(album.files["ben-0"])}, refresh=True)
    assert {len(one["portrait"]["faces"][0]["vector"]) for one in few.documents("holiday").values()} == {256}
    few.es.index(index="faces", id="new", document={"image": encoded(album.files["cara-1"])}, refresh=True)
    assert dims(few)["new"] == {128}

    assert few.run("reembed", "--rollback", "--index", "holiday")[0] == 0
    assert few.behind("holiday") == ["holiday-000001"]
    vectors = [one["portrait"]["faces"][0]["vector"] for one in few.documents("holiday").values()]
    assert [len(vector) for vector in vectors] == [128, 128]
    few.run("reembed", "--finish", "--index", "holiday", "--yes")
    few.es.indices.delete(index="holiday-000001")
    for pipeline in ("faces-holiday", "face-check-holiday"):
        few.es.ingest.delete_pipeline(id=pipeline)


@pytest.mark.parametrize("words", [(), ("--profile", NEW, "--rollback"), ("--finish", "--json")])
def test_wrong_words_are_status_2(run, words):
    assert run("reembed", *words)[0] == 2


def test_without_the_plugin_the_service_alone_is_enough(there, plain, new_service):
    assert there("label", "team", "--face", 1, "--name", "Ann")[0] == 0
    words = ("reembed", "--profile", NEW, "--to-url", new_service.url, "--json")
    status, out, err = there(*words)
    assert status == 0, err
    assert json.loads(out)["vectors"]["crop"] == 12
    team = plain.get(index="faces", id="team")["_source"]
    assert [face.get("label", {}).get("name") for face in team["faces"]] == [None, "Ann", None]
    assert {len(face["vector"]) for face in team["faces"]} == {256}
    assert there("reembed", "--rollback")[0] == 0
    assert there("reembed", "--finish", "--yes")[0] == 0
    assert list(plain.indices.get_alias(name="faces")) == ["faces-000001"]
    empty(plain, "faces")
