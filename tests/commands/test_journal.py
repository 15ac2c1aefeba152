"""The journal of decisions: who, when, what, before and after; and no photo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dev_tools import console
from elastic_transport import ConnectionError, Urllib3HttpNode
from elasticsearch import Elasticsearch
from tools import install_all, scene

from es_setup.install import missing
from faces.decisions.changing import change
from faces.decisions.journal import Journal
from faces.searchable import searchable


def decisions(run, *arguments: object) -> list[dict]:
    status, out, err = run("decisions", *arguments, "--json")
    assert status == 0, err
    return json.loads(out)["decisions"]


def test_each_decision_is_written_down_with_who_when_and_what(unnamed, run, album):
    face = album.documents["team"]["faces"][1]["id"]
    assert run("label", "team", "--face", 1, "--name", "Ben")[0] == 0
    assert run("not-this-person", "team", "--face", 1, "--name", "Ben")[0] == 0
    second, first = decisions(run)
    assert {key: first[key] for key in ("action", "index", "id", "face", "before", "after")} == {
        "action": "label",
        "index": "faces-000001",
        "id": "team",
        "face": face,
        "before": {},
        "after": {"label": "Ben"},
    }
    assert (second["action"], second["before"], second["after"]) == (
        "not",
        {"label": "Ben"},
        {"not": ["Ben"]},
    )
    assert first["user"] == second["user"] != ""
    assert first["time"] <= second["time"]
    assert decisions(run, "--operation", first["operation"]) == [first]
    assert decisions(run, "--name", "Ben") == [second, first]
    assert decisions(run, "--name", "Ann") == []
    assert "Ben" in run("decisions")[1]


def test_the_docs_query_finds_what_was_decided_about_a_person(es, unnamed, run, journal):
    page = (Path(__file__).parents[2] / "docs" / "indices.md").read_text()
    assert run("label", "team", "--face", 1, "--name", "Ann")[0] == 0
    assert run("label", "team", "--face", 1, "--name", "Ben")[0] == 0
    assert run("label", "team", "--face", 2, "--name", "Cara")[0] == 0
    es.indices.refresh(index=journal)
    (answer,) = console(es, scene(page, "journal of a person"))
    assert [hit["_source"]["after"] for hit in answer["hits"]["hits"]] == [{"label": "Ben"}, {"label": "Ann"}]


def test_no_entry_holds_a_photo_or_a_vector(es, unnamed, run, journal, snapshot):
    assert run("label", "ann-0", "team", "--face", 0, "--name", "Ann")[0] == 0
    entries = list(snapshot(journal).values())
    assert len(entries) > 1
    allowed = {"@timestamp", "operation", "event", "user", "document", "face", "before", "after", "names"}
    assert set().union(*entries) <= allowed
    assert all(len(json.dumps(entry)) < 1_000 for entry in entries)


def test_without_a_journal_nothing_is_decided(es, running, unnamed, run, labels):
    es.indices.delete(index="face-decisions-000001")
    try:
        for command in (("label", "ann-0", "--name", "Ann"), ("undo",), ("decisions",)):
            status, _, err = run(*command)
            assert status == 1
            assert "faces install" in err
        assert labels("ann-0") == [None]
        assert not es.indices.exists(index="face-decisions")
        assert missing(es) == ["/face-decisions"]
    finally:
        outcomes = install_all(es, running.model)
    assert outcomes["PUT /face-decisions-000001"] == "created"
    assert missing(es) == []
    assert run("label", "ann-0", "--name", "Ann")[0] == 0


def test_a_journal_that_takes_no_entry_keeps_the_documents_as_they_are(es, unnamed, run, labels, journal):
    es.indices.put_settings(index=journal, settings={"index.blocks.write": True})
    try:
        assert run("label", "ann-0", "--name", "Ann")[0] == 1
    finally:
        es.indices.put_settings(index=journal, settings={"index.blocks.write": None})
    assert labels("ann-0") == [None]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_somebody_else_was_faster_to_say_is_written_down_once(es, unnamed, run, is_first):
    """Whichever of two runs of the same command began before the other."""
    journal, where = Journal(es), searchable(es, unnamed)
    ours = journal.begin("label", ["ann-0", "Ann"])
    theirs = ours if is_first else journal.begin("label", ["ann-0", "Ann"])
    keys, met = [("faces-000001", "ann-0")], []

    def edit(document) -> None:
        document.set_label(document.faces[0], "Ann")

    def while_the_other_one_writes(document) -> None:
        if not met:
            met.append(1)
            assert [one.outcome for one in change(es, journal, theirs, where, keys, edit)] == ["changed"]
        edit(document)

    (changed,) = change(es, journal, ours, where, keys, while_the_other_one_writes)
    assert changed.outcome == "unchanged"
    (entry,) = decisions(run)
    assert (entry["operation"], entry["after"]) == (theirs.id, {"label": "Ann"})


class LosesTheFirstAnswer(Urllib3HttpNode):
    """The first bulk that changes documents is carried out, and its answer is lost."""

    def perform_request(self, method, target, body=None, *arguments, **options):
        answer = super().perform_request(method, target, body, *arguments, **options)
        if "_bulk" in target and b'{"update":' in (body or b"") and not type(self).lost:
            type(self).lost = True
            raise ConnectionError("the connection broke")
        return answer


def test_a_change_whose_answer_is_lost_is_counted_and_stays_in_the_journal(running, unnamed, run, labels):
    """Also where the same was said, and taken back, before."""
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    assert run("unlabel", "ann-0")[0] == 0
    LosesTheFirstAnswer.lost = False
    with Elasticsearch(running.connection.es_url, node_class=LosesTheFirstAnswer) as losing:
        journal = Journal(losing)
        operation = journal.begin("label", ["ann-0", "Ann"])

        def edit(document) -> None:
            document.set_label(document.faces[0], "Ann")

        keys = [("faces-000001", key) for key in ("ann-0", "ann-1")]
        outcomes = [
            one.outcome for one in change(losing, journal, operation, searchable(losing, unnamed), keys, edit)
        ]
    assert LosesTheFirstAnswer.lost
    assert outcomes == ["changed", "changed"]
    assert labels("ann-0") == labels("ann-1") == ["Ann"]
    assert {one["id"] for one in decisions(run, "--operation", operation.id)} == {"ann-0", "ann-1"}
