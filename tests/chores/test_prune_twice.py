"""`faces index --prune` of a photo in two folders, and of one folder by two processes."""

from __future__ import annotations

import json

import pytest
from command_fixtures import at_once
from indexed import documents, paths
from prune_fixtures import FIVE, entries, key_of, photo, why


@pytest.mark.parametrize("name", ["b.jpg", "other.jpg"])
def test_a_photo_of_two_folders_goes_once_it_is_gone_in_both(run, es, indexed, tmp_path, pruned, name):
    other = tmp_path / "backup"
    photo(other / name, FIVE.index("b.jpg"))
    photo(other / "stays.jpg", 60)
    assert run("index", other)[0] == 0
    key = key_of(es, "b.jpg")
    (indexed / "b.jpg").unlink()
    (other / name).unlink()
    before = documents(es)[key]
    assert run("index", indexed, "--prune", "--dry-run")[0] == 0
    assert documents(es)[key] == before
    assert why(pruned(indexed)) == {"b.jpg": "elsewhere"}
    assert pruned(other)["deleted"] == 1
    assert key not in documents(es)


def test_a_photo_of_two_folders_that_comes_back_is_in_both_again(run, es, indexed, tmp_path, pruned):
    other = tmp_path / "backup"
    photo(other / "other.jpg", FIVE.index("b.jpg"))
    assert run("index", other)[0] == 0
    key = key_of(es, "b.jpg")
    data = (indexed / "b.jpg").read_bytes()
    (indexed / "b.jpg").unlink()
    assert pruned(indexed)["deleted"] == 0
    (indexed / "b.jpg").write_bytes(data)
    assert run("index", indexed)[0] == 0
    (other / "other.jpg").unlink()
    assert why(pruned(other, "--prune-all")) == {"other.jpg": "elsewhere"}
    assert key in documents(es)


def test_two_at_once_delete_each_document_once_and_both_end_well(es, running, indexed):
    for name in FIVE[1:]:
        (indexed / name).unlink()
    gone = {key for key, source in documents(es).items() if source["file"]["path"] != "a.jpg"}
    words = ("index", indexed, "--prune", "--prune-all", "--yes", "--json")
    ended = at_once(running.connection, words, words)
    assert [status for status, _, _ in ended] == [0, 0], ended
    said = [json.loads(out)["prune"] for _, out, _ in ended]
    assert all((one["changed"], one["refused"]) == (0, 0) for one in said)
    assert paths(es) == [["a.jpg"]]
    assert {entry["document"]["id"] for entry in entries(es)} == gone
