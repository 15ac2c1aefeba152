"""`faces dashboards install --desk URL`: every board links to the desk, and nothing takes that link away."""

from __future__ import annotations

import json

import pytest
from dashboard_output import problems, said_of

from faces.cli.dashboards import RESULTS
from kibana import build
from kibana.boards import PROBES, SEARCH, TITLES
from kibana.desk_link import desk_of
from kibana.saved_object import parsed

DESK, OTHER = "http://127.0.0.1:8502", "https://desk.example/faces"


def desks(objects) -> dict[str, str | None]:
    return {one["id"]: desk_of(one) for one in objects if one["type"] == "dashboard"}


def links_of(board) -> list[dict]:
    (row,) = [one for one in json.loads(board["attributes"]["panelsJSON"]) if one["type"] == "links"]
    return row["embeddableConfig"]["attributes"]["links"]


def test_every_board_links_to_the_desk_beside_the_other_boards(dashboards, fake):
    status, _, err = dashboards("install", "--desk", DESK)
    assert (status, err) == (0, "")
    assert desks(fake.stored.values()) == dict.fromkeys(TITLES, DESK)
    for board in TITLES:
        *boards, desk = links_of(fake.stored["dashboard", board])
        assert [link["label"] for link in boards] == list(TITLES.values())
        assert (desk["type"], desk["label"], desk["order"]) == ("externalLink", "Desk", len(TITLES))


def test_the_link_comes_later_changes_and_goes_only_when_a_person_says_so(dashboards, fake):
    dashboards("install")
    for given, stands in ((DESK, DESK), (None, DESK), (OTHER, OTHER), (None, OTHER), ("", None)):
        before = desks(fake.stored.values())
        status, out, err = dashboards("install", *([] if given is None else ["--desk", given]))
        assert (status, err) == (0, "")
        assert desks(fake.stored.values()) == dict.fromkeys(TITLES, stands)
        same = before == dict.fromkeys(TITLES, stands)
        assert {said_of(out, title) for title in TITLES.values()} == {
            RESULTS["exists" if same else "updated"]
        }
        status, out, _ = dashboards("check")
        assert (status, problems(out)) == (0, [])


def test_the_address_can_come_from_the_environment(dashboards, fake):
    assert dashboards("install", FACES_DESK_URL=DESK)[0] == 0
    assert set(desks(fake.stored.values()).values()) == {DESK}


def test_replacing_edited_boards_and_an_export_keep_the_link(dashboards, fake, tmp_path):
    dashboards("install", "--desk", DESK)
    fake.edit("dashboard", PROBES, title="Mine")
    assert dashboards("install", "--overwrite")[0] == 0
    assert desks(fake.stored.values()) == dict.fromkeys(TITLES, DESK)
    assert dashboards("export", "--out", tmp_path / "boards.ndjson")[0] == 0
    assert parsed((tmp_path / "boards.ndjson").read_text()) == build.objects(desk=DESK)


def test_an_edited_board_keeps_its_edits_and_one_that_is_missing_comes_with_the_link(dashboards, fake):
    dashboards("install", "--desk", DESK)
    fake.edit("dashboard", SEARCH, title="Mine")
    del fake.stored["dashboard", PROBES]
    assert dashboards("install", "--keep-edited")[0] == 0
    assert fake.stored["dashboard", SEARCH]["attributes"]["title"] == "Mine"
    assert desks(fake.stored.values()) == dict.fromkeys(TITLES, DESK)


def test_the_link_and_new_thresholds_come_together(dashboards, fake, calibrate):
    dashboards("install", "--desk", DESK)
    calibrate()
    status, _, err = dashboards("install", "--desk", OTHER)
    assert (status, err) == (0, "")
    assert desks(fake.stored.values()) == dict.fromkeys(TITLES, OTHER)
    status, out, _ = dashboards("check")
    assert (status, problems(out)) == (0, [])


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "desk.example",
        "//desk.example",
        "ftp://desk.example",
        "http://",
        "https://ann:secret@desk.example",
        "https://desk.example/\nx",
        'https://desk.example/"',
        "http://[",
    ],
)
def test_what_is_no_address_of_the_web_is_refused_before_anything_is_written(dashboards, fake, address):
    status, out, err = dashboards("install", "--desk", address)
    assert (status, out) == (2, "")
    assert "secret" not in err
    assert fake.stored == {}
