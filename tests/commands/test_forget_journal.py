"""`faces forget` and the journal: who, when and what kind stay of an entry about what is gone."""

from __future__ import annotations

import json

import pytest
from forget_fixtures import left_to_right, named

pytestmark = pytest.mark.usefixtures("nothing_remembered")


def test_a_deleted_document_leaves_no_word_of_itself_there_and_undo_takes_back_the_rest(
    es, archive, run, forget, labels
):
    before = labels("ben-1")
    team = named(es, run, "team", "Ann", "Ben")
    assert run("label", "team", "--face", 0, "--name", "Zoe")[0] == 0
    assert run("label", "ben-1", "team", "--face", 0, "--name", "Cara")[0] == 0
    report = forget("--id", "team")
    assert report["proved"]
    es.indices.refresh(index="face-decisions")
    entries = [hit["_source"] for hit in es.search(index="face-decisions", size=100)["hits"]["hits"]]
    stored = json.dumps(entries)
    for trace in ("team", "Zoe", *(face["id"] for face in team["faces"])):
        assert f'"{trace}"' not in stored
    blanked = [one for one in entries if one.get("forgotten")]
    assert [one["event"]["action"] for one in blanked].count("label") == len(blanked) >= 4
    assert all(one["user"]["name"] and one["@timestamp"] for one in blanked)
    assert not any("digest" in one["operation"] for one in blanked)
    assert labels("ben-1") == ["Cara"]
    both = next(one["operation"]["id"] for one in entries if one.get("document", {}).get("id") == "ben-1")
    status, out, err = run("undo", both, "--json")
    assert status == 0, err
    assert [one["id"] for one in json.loads(out)["changed"]] == ["ben-1"]
    assert labels("ben-1") == before


def test_a_face_that_goes_takes_its_entries_along_and_those_of_the_other_faces_stay(es, archive, run, forget):
    team = named(es, run, "team", "Ann", "Ben")
    ann, ben = left_to_right(team)
    report = forget("--id", ann["id"])
    assert report["proved"]
    es.indices.refresh(index="face-decisions")
    entries = [hit["_source"] for hit in es.search(index="face-decisions", size=100)["hits"]["hits"]]
    assert not any(trace in json.dumps(entries) for trace in (ann["id"], '"Ann"'))
    assert [one["after"] for one in entries if one.get("face", {}).get("id") == ben["id"]] == [
        {"label": "Ben"}
    ]
