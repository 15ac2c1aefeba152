"""`faces undo`: takes back what one command decided, and never what was decided since."""

from __future__ import annotations

import json

from tools import encoded


def operations(run) -> list[dict]:
    """Newest first."""
    status, out, err = run("undo", "--list", "--json")
    assert status == 0, err
    return json.loads(out)["operations"]


def test_without_an_operation_the_last_one_is_taken_back_and_then_the_one_before(unnamed, run, labels):
    assert run("undo")[0] == 1
    assert run("label", "team", "--face", 0, "--name", "Ann")[0] == 0
    assert run("label", "team", "--face", 1, "--name", "Ben")[0] == 0
    assert run("undo")[0] == 0
    assert labels("team") == ["Ann", None, None]
    assert run("undo")[0] == 0
    assert labels("team") == [None, None, None]
    assert [(one["action"], one["undone"]) for one in operations(run)] == [
        ("undo", False),
        ("undo", False),
        ("label", True),
        ("label", True),
    ]
    assert run("undo")[0] == 1
    again = operations(run)[1]["operation"]
    assert run("undo", again)[0] == 0
    assert labels("team") == [None, "Ben", None]
    assert [one["undone"] for one in operations(run)] == [False, False, True, False, True]


def test_what_was_decided_since_stays_and_is_named(unnamed, run, said):
    assert run("label", "team", "--face", 0, "--name", "Ann")[0] == 0
    first = operations(run)[0]["operation"]
    assert run("label", "team", "--face", 0, "--name", "Cara")[0] == 0
    status, out, err = run("undo", first, "--json")
    answer = json.loads(out)
    assert (status, answer["kept"], answer["changed"]) == (0, 1, [])
    assert "team.jpg" in err
    assert said("team")[0] == {"label": {"name": "Cara"}}


def test_of_several_names_that_were_ruled_out_those_of_others_stay(unnamed, run, said):
    assert run("not-this-person", "team", "--face", 0, "--name", "Ann")[0] == 0
    first = operations(run)[0]["operation"]
    assert run("not-this-person", "team", "--face", 0, "--name", "Ben")[0] == 0
    assert run("undo", first)[0] == 0
    assert said("team")[0] == {"not": ["Ben"]}


def test_a_name_that_was_corrected_is_again_as_it_was_sent(es, unnamed, run, album, store, snapshot):
    store(unnamed, {"ann-0": album.documents["ann-0"] | {"person": {"name": "Anna"}}})
    before = snapshot("faces")
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    changed = snapshot("faces")["faces-000001", "ann-0"]
    assert changed["person"] == {"name": "Ann", "sent_name": "Anna"}
    assert run("undo")[0] == 0
    assert run("unlabel", "ann-0")[0] == 0
    assert run("undo")[0] == 0
    assert snapshot("faces") == before


def test_an_undo_that_was_killed_is_finished_by_the_same_command(unnamed, run, snapshot, killed):
    before = snapshot("faces")
    assert run("label", "ann-0", "ann-1", "ann-2", "ben-0", "--name", "Ann")[0] == 0
    with killed():
        assert run("undo")[0] == 130
    assert snapshot("faces") != before
    assert run("undo")[0] == 0
    assert snapshot("faces") == before
    assert [one["undone"] for one in operations(run) if one["action"] == "label"] == [True]


def test_a_photo_that_is_gone_keeps_nobody_from_taking_back_the_rest(es, unnamed, run, labels):
    assert run("label", "ann-0", "ann-1", "--name", "Ann")[0] == 0
    es.delete(index="faces-000001", id="ann-0", refresh=True)
    status, out, _ = run("undo", "--json")
    assert (status, json.loads(out)["kept"]) == (0, 1)
    assert labels("ann-1") == [None]


def test_an_unknown_operation_is_named_and_a_dry_run_changes_nothing(unnamed, run, snapshot, journal):
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    before = snapshot("faces", journal)
    status, _, err = run("undo", "no-such")
    assert status == 1
    assert "no-such" in err
    status, out, _ = run("undo", "--dry-run", "--json")
    assert (status, [one["id"] for one in json.loads(out)["changed"]]) == (0, ["ann-0"])
    assert snapshot("faces", journal) == before
    assert run("undo", "--list", "no-such")[0] == 2


def test_after_a_command_that_cannot_be_undone_an_earlier_one_needs_its_id(
    unnamed, run, said, forget, nothing_remembered
):
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    assert run("label", "ben-0", "--name", "Ben")[0] == 0
    forget("--person", "Ann")
    status, _, err = run("undo")
    assert (status, "forget" in err) == (1, True)
    assert said("ben-0") == [{"label": {"name": "Ben"}}]
    listed = [(one["action"], one["undoable"]) for one in operations(run)]
    assert listed == [("forget", False), ("label", True), ("label", True)]
    status, out, _ = run("undo", operations(run)[1]["operation"], "-q")
    assert status == 0
    assert said("ben-0") == [{}]
    assert operations(run)[2]["operation"] in out, "what was undone is a result"


def test_a_tag_leaves_the_probes_that_matched_too(es, gallery, probes, journal, album, run, whole):
    for name in ("ann", "ben"):
        assert run("enroll", album.files[f"{name}-0"], "--name", name.capitalize())[0] == 0
    assert run("gallery", "tag", "Ann", "staff")[0] == 0
    photo = {"image": encoded(album.files["ann-2"])}
    es.index(index=probes, id="ann-2", document=photo, refresh=True)

    def tags() -> list[str]:
        return whole(probes, "ann-2")["faces"][0]["match"].get("tags", [])

    assert run("gallery", "tag", "Ann", "watch")[0] == 0
    tagging = operations(run)[0]["operation"]
    assert sorted(tags()) == ["staff", "watch"]
    assert run("undo", "--dry-run")[0] == 0
    assert sorted(tags()) == ["staff", "watch"]
    status, out, err = run("undo", tagging, "--json")
    assert status == 0, err
    assert (json.loads(out)["probes"], tags()) == (1, ["staff"])
    assert es.count(index=probes, query={"term": {"matched_tags": "watch"}})["count"] == 0
    assert run("undo", operations(run)[0]["operation"])[0] == 0
    assert sorted(tags()) == ["staff", "watch"]
