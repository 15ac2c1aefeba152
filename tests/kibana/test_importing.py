"""The import of boards into a Kibana that follows Kibana's own rules (`fake_kibana`)."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from small_boards import OBJECTS, PANELS, board

from kibana.client import Kibana
from kibana.importing import as_shipped, copies, install, presence
from kibana.server import KibanaError


def states(outcomes) -> dict[str, str]:
    return {outcome.title: outcome.state for outcome in outcomes}


def every(state: str) -> dict[str, str]:
    return dict.fromkeys(["Faces", "faces", "Face search", "Ingest health"], state)


def test_an_import_brings_every_object(fake, kibana):
    assert states(install(kibana, OBJECTS, overwrite=False)) == every("imported")
    assert set(fake.in_space()) == {(one["type"], one["id"]) for one in OBJECTS}


def test_a_second_import_changes_nothing(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    before = deepcopy(fake.stored)
    assert states(install(kibana, OBJECTS, overwrite=False)) == every("exists")
    assert fake.stored == before


def test_a_board_that_somebody_edited_is_kept_and_named(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    fake.edit("dashboard", "search", title="Mine")
    before = deepcopy(fake.stored)
    found = install(kibana, OBJECTS, overwrite=False)
    assert states(found) == every("exists") | {"Face search": "kept"}
    assert fake.stored == before


def test_overwrite_puts_everything_back_as_shipped(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    fake.edit("dashboard", "search", title="Mine")
    assert states(install(kibana, OBJECTS, overwrite=True)) == every("replaced")
    assert fake.stored["dashboard", "search"]["attributes"]["title"] == "Face search"
    assert states(install(kibana, OBJECTS, overwrite=False)) == every("exists")


def test_what_is_missing_comes_beside_what_was_edited(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    fake.edit("dashboard", "search", title="Mine")
    del fake.stored["dashboard", "health"]
    found = install(kibana, OBJECTS, overwrite=False)
    assert states(found) == every("exists") | {"Face search": "kept", "Ingest health": "imported"}
    assert fake.stored["dashboard", "search"]["attributes"]["title"] == "Mine"
    assert ("dashboard", "health") in fake.stored


def test_a_panel_that_was_moved_counts_as_edited_and_a_popular_field_does_not(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    popular = '{"people":{"customLabel":"People","count":7}}'
    fake.edit("index-pattern", "photos", fieldAttrs=popular)
    moved = json.dumps([PANELS[0] | {"gridData": {"x": 24, "y": 0, "w": 24, "h": 12}}])
    fake.edit("dashboard", "health", panelsJSON=moved)
    found = install(kibana, OBJECTS, overwrite=False)
    assert states(found) == every("exists") | {"Ingest health": "kept"}


def test_an_import_that_broke_off_is_completed_by_the_next(fake, kibana):
    fake.breaks_after = 2
    with pytest.raises(KibanaError, match=r"POST /api/saved_objects/_import"):
        install(kibana, OBJECTS, overwrite=False)
    assert len(fake.stored) == 2
    found = states(install(kibana, OBJECTS, overwrite=False))
    assert sorted(found.values()) == ["exists", "exists", "imported", "imported"]
    assert len(fake.stored) == len(OBJECTS)


def test_a_board_whose_data_view_is_missing_is_named_with_it_and_the_others_come(fake, kibana):
    objects = [*OBJECTS, board("lost", "Lost", view="not-shipped")]
    found = install(kibana, objects, overwrite=False)
    assert states(found) == every("imported") | {"Lost": "failed"}
    assert "index-pattern not-shipped" in found[-1].reason
    assert ("dashboard", "health") in fake.stored
    assert ("dashboard", "lost") not in fake.stored


def test_a_type_that_kibana_does_not_know_is_named_and_the_others_come(fake, kibana):
    new = {"type": "hologram", "id": "h", "attributes": {"title": "New"}, "references": []}
    found = install(kibana, [*OBJECTS, new], overwrite=False)
    assert states(found) == every("imported") | {"New": "failed"}
    assert "8.19" in found[-1].reason
    assert set(states(install(kibana, [*OBJECTS, new], overwrite=False)).values()) == {"exists", "failed"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_boards_newer_than_kibana_are_refused_as_a_whole(fake, kibana, overwrite):
    objects = deepcopy(OBJECTS)
    objects[-1]["typeMigrationVersion"] = "10.9.0"
    with pytest.raises(KibanaError, match=r"8\.19.*\[10\.9\.0\]"):
        install(kibana, objects, overwrite)
    assert fake.stored == {}


def test_a_second_space_gets_copies_that_refer_to_each_other(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    fake.spaces.add("lab")
    lab = Kibana(fake.url, space="lab")
    found = install(lab, OBJECTS, overwrite=False)
    assert states(found) == every("imported")
    ids = {outcome.id: outcome.copy_id for outcome in found}
    assert all(copy != name for name, copy in ids.items())
    assert {key[1] for key in fake.in_space("lab")} == set(ids.values())
    references = fake.stored["dashboard", ids["search"]]["references"]
    assert [ref["id"] for ref in references] == [ids["faces"], ids["photos"]]
    assert len(fake.in_space()) == len(OBJECTS)


def test_a_second_space_is_imported_into_twice_without_doubles(fake, kibana):
    install(kibana, OBJECTS, overwrite=False)
    fake.spaces.add("lab")
    lab = Kibana(fake.url, space="lab")
    ids = {outcome.id: outcome.copy_id for outcome in install(lab, OBJECTS, overwrite=False)}
    again = install(lab, OBJECTS, overwrite=False)
    assert states(again) == every("exists")
    fake.edit("dashboard", ids["search"], title="Mine")
    assert states(install(lab, OBJECTS, overwrite=False))["Face search"] == "kept"
    del fake.stored["dashboard", ids["health"]]
    replaced = install(lab, OBJECTS, overwrite=True)
    assert states(replaced) == every("replaced") | {"Ingest health": "imported"}
    assert replaced[2].copy_id == ids["search"]
    assert len(fake.in_space("lab")) == len(OBJECTS)
    assert {board.state for board in presence(lab, OBJECTS)} == {"equal"}


def test_several_copies_in_a_space_are_for_a_person_to_sort_out(fake, kibana):
    fake.spaces.add("lab")
    install(Kibana(fake.url, space="lab"), OBJECTS, overwrite=False)
    for copy in ("one", "two"):
        original = fake.stored["dashboard", "search"]
        fake.stored["dashboard", copy] = original | {
            "id": copy,
            "originId": "search",
            "namespaces": ["default"],
        }
    found = install(kibana, OBJECTS, overwrite=False)
    assert states(found) == every("imported") | {"Face search": "failed"}
    assert "(one, two)" in found[2].reason


@pytest.mark.parametrize("space", ["default", "lab"])
def test_what_is_exported_is_what_was_imported(fake, space):
    install(Kibana(fake.url), OBJECTS, overwrite=False)
    fake.spaces.add("lab")
    kibana = Kibana(fake.url, space=space)
    install(kibana, OBJECTS, overwrite=False)
    assert as_shipped(OBJECTS, copies(kibana, OBJECTS)) == OBJECTS


def test_presence_tells_equal_changed_missing_and_dangling(fake, kibana):
    assert {board.state for board in presence(kibana, OBJECTS)} == {"missing"}
    install(kibana, OBJECTS, overwrite=False)
    assert {board.state for board in presence(kibana, OBJECTS)} == {"equal"}
    fake.edit("dashboard", "health", title="Mine")
    del fake.stored["tag", "faces"]
    found = {board.title: board for board in presence(kibana, OBJECTS)}
    assert {title: board.state for title, board in found.items()} == {
        "Faces": "missing",
        "faces": "equal",
        "Face search": "equal",
        "Ingest health": "changed",
    }
    assert found["Face search"].dangling == [("tag", "faces")]
