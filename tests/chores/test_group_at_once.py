"""Two `faces group` on one index at the same time, and beside people who change what it has read."""

from __future__ import annotations

import copy
import json

import pytest
from command_fixtures import at_once
from group_fixtures import ALL, documents

from faces.grouping.run import AnotherRun, grouping, write
from faces.searchable import searchable

MANY = 4
"""Copies of the album: a face finds all those of its person by one search."""


def copies(album) -> dict[str, dict]:
    """The album many times; each face with an id of its own."""
    found = {}
    for number in range(MANY):
        for key, document in album.documents.items():
            one = copy.deepcopy(document)
            for face in one["faces"]:
                face["id"] = f"{number}-{face['id']}"
            found[f"{key}-{number}"] = one
    return found


def no_photo_is_twice_in_a_group(groups: dict) -> bool:
    return all(len({key for key, _ in members}) == len(members) for members in groups.values())


@pytest.mark.parametrize("second", [(), ("--min-similarity", "0.3")])
def test_two_processes_leave_groups_that_stay(
    faces, journal, album, store, run, running, groups, labels, second
):
    store(faces, copies(album))
    assert run("label", "ann-0-0", "--name", "Ann")[0] == 0
    ended = at_once(running.connection, ("group", "--json"), ("group", "--json", *second))
    for status, _, err in ended:
        assert status == 0 or "run this again" in err.lower(), err
    if not second:
        assert [status for status, _, _ in ended] == [0, 0]
    between = groups()
    assert no_photo_is_twice_in_a_group(between)
    assert labels("ann-0-0") == ["Ann"]
    assert all(("ann-0-0", 0) not in members for members in between.values())
    assert run("group")[0] == 0
    after = groups()
    assert no_photo_is_twice_in_a_group(after)
    if not second:
        assert after == between
    status, out, _ = run("group", "--json")
    assert (status, json.loads(out)["changed"]) == (0, 0)
    assert groups() == after


def test_a_run_that_read_before_another_wrote_says_so_and_changes_nothing(
    es, faces, journal, album, store, groups, snapshot
):
    """The second has seen more photos, by which its groups have other ids."""
    where = searchable(es, faces)
    ids = {key: album.documents[key]["faces"][0]["id"] for key in ("ann-0", "ann-1", "ann-2")}
    late = min(ids, key=ids.__getitem__)
    store(faces, {key: album.documents[key] for key in ids if key != late})
    early = grouping(es, where)
    store(faces, {late: album.documents[late]})
    assert {one.outcome for one in write(es, where, grouping(es, where))} == {"changed"}
    before = snapshot(faces)
    with pytest.raises(AnotherRun):
        list(write(es, where, early))
    assert snapshot(faces) == before
    assert documents(groups()) == [["ann-0", "ann-1", "ann-2"]]


def test_a_face_that_comes_meanwhile_is_not_with_another_of_its_photo(es, unnamed, groups, whole):
    """Somebody adds a face to a photo, and a run that knows it puts it into the group of the other."""
    where = searchable(es, unnamed)
    found = grouping(es, where)
    target = found.groups[found.faces.ids.index(whole(unnamed, "ann-0")["faces"][0]["id"])]
    document = whole(unnamed, "ann-0")
    added = copy.deepcopy(document["faces"][0]) | {"id": "added", "group": target}
    es.update(index=unnamed, id="ann-0", doc={"faces": [*document["faces"], added]}, refresh=True)
    assert list(write(es, where, found))
    now = groups()
    assert no_photo_is_twice_in_a_group(now)
    assert ("ann-0", 1) in now[target]


def test_people_who_name_and_take_back_meanwhile_stop_no_run(es, unnamed, run, groups):
    assert run("group")[0] == 0
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    where = searchable(es, unnamed)
    found = grouping(es, where)
    assert run("undo")[0] == 0
    assert all(one.outcome != "failed" for one in write(es, where, found))
    assert run("group")[0] == 0
    assert documents(groups()) == ALL
