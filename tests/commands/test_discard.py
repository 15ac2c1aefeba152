"""`faces discard`: documents that failed are deleted, and never what people said."""

from __future__ import annotations

import json

import pytest
from indexed import documents
from tools import bracketed, encoded, line_with, numbers

from faces.decisions.journal import JOURNAL
from faces.indexing import discarding


@pytest.fixture
def failed(es, faces, portrait):
    """Photos that failed: ids say what else is in their documents."""
    plain = {"image": encoded(b"no photo")}
    for key, said in {
        "first": {"tags": ["no_face"]},
        "second": {"album": "Tour"},
        "named": {"person": {"name": "Ann"}},
        "tagged": {"tags": ["keep"]},
        "waiting": {"unplaced": [{"id": "x-0", "label": {"name": "Ben"}}]},
    }.items():
        error = {"code": "not_an_image", "message": "as it was"}
        document = {**plain, "file": {"path": f"{key}.jpg"}, "error": error, **said}
        es.index(index=faces, id=key, document=document, pipeline="_none")
    error = {"code": "unavailable", "message": "as it was"}
    es.index(index=faces, id="later", document={**plain, "error": error}, pipeline="_none")
    es.index(index=faces, id="good", document={"image": encoded(portrait)}, refresh=True)
    return faces


def entries(es) -> list[dict]:
    es.indices.refresh(index=JOURNAL)
    query = {
        "bool": {"filter": [{"term": {"event.action": "discard"}}, {"exists": {"field": "document.id"}}]}
    }
    hits = es.search(index=JOURNAL, query=query, size=100, sort="@timestamp")["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def test_it_shows_what_would_go_asks_and_deletes_only_what_nobody_spoke_of(run, es, failed):
    before = len(entries(es))
    status, out, err = run("discard", stdin="n\n")
    assert status == 1
    assert "first.jpg" in line_with("2 not_an_image", out)
    assert "unavailable" in err
    assert len(documents(es)) == 7
    status, out, _ = run("discard", stdin="y\n")
    assert status == 0
    assert numbers(out.splitlines()[-1]) == [2, 3]
    assert set(documents(es)) == {"named", "tagged", "waiting", "later", "good"}
    written = entries(es)[before:]
    assert {entry["document"]["id"] for entry in written} == {"first", "second"}
    assert "image" not in json.dumps(written)


def test_with_decisions_lists_what_people_said_and_deletes_it_too(run, es, failed):
    status, out, _ = run("discard", "--with-decisions", "--yes")
    assert status == 0
    for key, said in (("named", "Ann"), ("tagged", "keep"), ("waiting", "1")):
        assert said in line_with(f"{key}.jpg (", out)
    assert set(documents(es)) == {"later", "good"}
    assert {"Ann", "Ben"} <= {name for entry in entries(es) for name in entry["names"]}


def test_a_dry_run_a_code_and_an_id_choose(run, es, failed):
    status, out, _ = run("discard", "--dry-run", "--json")
    assert (status, json.loads(out)["by_code"], json.loads(out)["kept"]) == (0, {"not_an_image": 2}, 3)
    assert len(documents(es)) == 7
    status, out, _ = run("discard", "--code", "unavailable", "--yes", "--json")
    assert (status, json.loads(out)["discarded"]) == (0, 1)
    status, out, _ = run("discard", "--id", "second", "--yes", "--json")
    assert (status, json.loads(out)["discarded"]) == (0, 1)
    assert set(documents(es)) == {"first", "named", "tagged", "waiting", "good"}
    for key in ("absent", "good"):
        status, _, err = run("discard", "--id", key, "--yes")
        assert status == 1
        assert f"[{key}]" in err
    assert "good" in documents(es)


def test_a_code_that_no_error_has_is_wrong_usage_and_one_of_a_newer_plugin_is_not(run, es, failed):
    error = {"code": "from_tomorrow", "message": "as it was"}
    es.index(index=failed, id="newer", document={"error": error}, pipeline="_none", refresh=True)
    for command in ("retry", "discard"):
        status, _, err = run(command, "--code", "nonsense", "--dry-run")
        assert status == 2
        assert {"nonsense", "unavailable", "not_an_image", "from_tomorrow"} <= bracketed(err)
        for code in ("from_tomorrow", "truncated"):
            assert run(command, "--code", code, "--dry-run")[0] == 0
    assert len(documents(es)) == 8


def test_a_document_that_somebody_changes_meanwhile_is_kept(run, es, failed, monkeypatch):
    delete = discarding._delete

    def change_first(client, journal, operation, going):
        said = documents(es)["first"] | {"tags": ["mine"]}
        es.index(index="faces-000001", id="first", document=said, pipeline="_none", refresh=True)
        return delete(client, journal, operation, going)

    monkeypatch.setattr(discarding, "_delete", change_first)
    before = len(entries(es))
    status, _, err = run("discard", "--yes")
    assert status == 1
    assert line_with("first.jpg", err)
    assert "first" in documents(es)
    assert [entry["document"]["id"] for entry in entries(es)[before:]] == ["second"]


def test_nothing_to_discard_is_no_error(run, es, faces):
    status, out, _ = run("discard", "--yes")
    assert status == 0
    assert numbers(out.splitlines()[-1]) == [0, 0]
