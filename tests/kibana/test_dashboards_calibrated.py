"""`faces dashboards` with a calibration in Elasticsearch: the boards get its thresholds."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from dashboard_output import problems, said_of
from fake_kibana import FakeKibana
from tools import mapping_of

from board_preview.scene_loading import CALIBRATION
from es_setup import models
from es_setup.embedded.local_node import free_port
from es_setup.shipped_files import ALIASES
from faces.calibration.board_verdicts import of_calibration
from faces.cli.dashboards import RESULTS
from ingest_service.verdicts import Thresholds
from kibana import build, importing
from kibana.boards import EXPLORATION, PROBES, SEARCH
from kibana.saved_object import dumped, parsed
from kibana.verdicts import NOT_CALIBRATED, not_calibrated, stated_by

WITH_VERDICTS = ("Face search", "Probes: who is this?", "Exploration")
CALIBRATED = of_calibration(CALIBRATION)


def verdicts_of(fake: FakeKibana) -> set:
    return {found for one in fake.stored.values() if (found := stated_by(one))}


def test_boards_come_with_the_thresholds_of_the_clusters_calibration(dashboards, fake, calibrate):
    calibrate()
    status, out, err = dashboards("install")
    assert (status, err) == (0, "")
    for fact in ("0.5512", "0.50", "1 %", "746", "2026-11-25"):
        assert fact in out
    assert verdicts_of(fake) == {CALIBRATED}
    before = dict(fake.stored)
    assert dashboards("install")[1].count(f": {RESULTS['exists']}\n") == len(build.objects())
    assert fake.stored == before


def test_a_calibration_after_the_import_is_noticed_and_installed_without_calling_boards_edited(
    dashboards, fake, calibrate
):
    dashboards("install")
    assert dashboards("check")[0] == 0
    calibrate()
    status, out, _ = dashboards("check")
    assert status == 1
    for title in WITH_VERDICTS:
        assert "thresholds" in said_of(out, title)
        (problem,) = [one for one in problems(out) if f"dashboard {title} " in one]
        assert "`faces dashboards install`" in problem
    assert said_of(out, "Ingest health") == "equal"
    report = json.loads(dashboards("check", "--json")[1])
    assert sum(one["other_thresholds"] for one in report["objects"]) == len(WITH_VERDICTS)
    assert verdicts_of(fake) == {NOT_CALIBRATED}, "a check touches nothing"

    status, out, err = dashboards("install")
    assert (status, err) == (0, "")
    assert {said_of(out, title) for title in WITH_VERDICTS} == {RESULTS["updated"]}
    assert said_of(out, "Ingest health") == RESULTS["exists"]
    assert verdicts_of(fake) == {CALIBRATED}
    status, out, _ = dashboards("check", "--json")
    report = json.loads(out)
    assert (status, report["problems"]) == (0, [])
    assert report["verdicts"] == {"strong": 0.5512, "possible": 0.5, "source": CALIBRATED.source}

    calibrate(None)
    assert dashboards("install")[0] == 0
    assert verdicts_of(fake) == {NOT_CALIBRATED}


def test_boards_follow_the_thresholds_of_an_index_of_another_profile(dashboards, fake, es):
    dashboards("install")
    moved(fake, PROBES)
    indices = [f"{alias}-000001" for alias in ALIASES]
    usual = models.recorded(mapping_of(es, indices[0]))["thresholds"]
    for index in indices:
        models.record(es, index, thresholds={"strong": 0.7125, "possible": 0.3})
    try:
        _, out, _ = dashboards("check")
        (problem,) = [one for one in problems(out) if "dashboard Face search " in one]
        assert "`faces dashboards install`" in problem
        _, out, _ = dashboards("install")
        assert said_of(out, "Face search") == RESULTS["updated"]
        assert said_of(out, "Probes: who is this?").startswith(RESULTS["kept"])
        assert "strong from 0.7125, possible from 0.30; not calibrated" in out
        assert verdicts_of(fake) == {NOT_CALIBRATED, not_calibrated(Thresholds(0.7125, 0.3))}
        assert said_of(dashboards("check")[1], "Face search") == "equal"
    finally:
        for index in indices:
            models.record(es, index, thresholds=usual)


def test_copies_in_a_second_space_get_the_thresholds_too(dashboards, fake, calibrate):
    dashboards("install")
    fake.spaces.add("lab")
    dashboards("install", "--space", "lab")
    calibrate()
    status, out, _ = dashboards("install", "--space", "lab")
    assert status == 0
    assert out.count(f": {RESULTS['updated']} as ") == len(WITH_VERDICTS)
    assert {stated_by(one) for key, one in fake.in_space("lab").items() if key[0] == "dashboard"} == {
        CALIBRATED,
        None,
    }
    assert stated_by(fake.stored["dashboard", SEARCH]) == NOT_CALIBRATED
    assert dashboards("check", "--space", "lab")[0] == 0


def added_to(fake: FakeKibana, board: str) -> None:
    """Somebody gives the panel `nearest` a time range of its own and a drilldown, and hides its title."""
    panels = json.loads(fake.stored["dashboard", board]["attributes"]["panelsJSON"])
    (nearest,) = [panel for panel in panels if panel["panelIndex"] == "nearest"]
    action = {"factoryId": "URL_DRILLDOWN", "name": "Ask", "config": {"url": {"template": "https://ask/"}}}
    event = {"eventId": "ask", "triggers": ["CONTEXT_MENU_TRIGGER"], "action": action}
    nearest["embeddableConfig"] |= {"timeRange": {"from": "now-7d", "to": "now"}, "hidePanelTitles": True}
    nearest["embeddableConfig"]["enhancements"] |= {"dynamicActions": {"events": [event]}}
    fake.edit("dashboard", board, panelsJSON=dumped(panels))


@pytest.mark.parametrize("space", ["default", "lab"])
def test_additions_to_a_board_stay_when_it_gets_other_thresholds(dashboards, fake, calibrate, space):
    dashboards("install")
    fake.spaces.add(space)
    dashboards("install", "--space", space)
    boards = [key for key, one in fake.in_space(space).items() if stated_by(one)]
    (search,) = [key for kind, key in boards if fake.stored[kind, key].get("originId", key) == SEARCH]
    added_to(fake, search)
    before = deepcopy(fake.stored["dashboard", search])
    calibrate()
    status, out, err = dashboards("install", "--space", space)
    assert (status, err) == (0, "")
    assert said_of(out, "Face search").startswith(RESULTS["updated"])
    assert {stated_by(fake.stored[key]) for key in boards} == {CALIBRATED}
    assert dashboards("check", "--space", space)[0] == 0

    calibrate(None)
    dashboards("install", "--space", space)
    after = fake.stored["dashboard", search]
    assert after["attributes"] == before["attributes"]
    assert after["references"] == before["references"]
    assert dashboards("install", "--overwrite", "--space", space)[0] == 0
    assert fake.stored["dashboard", search]["attributes"] != before["attributes"]


def test_a_board_whose_thresholds_cant_be_told_apart_from_additions_is_kept(dashboards, fake, calibrate):
    dashboards("install")
    board = fake.stored["dashboard", EXPLORATION]
    panels = json.loads(board["attributes"]["panelsJSON"])
    (bars,) = [panel for panel in panels if panel["panelIndex"] == "similarity"]
    layers = bars["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    # With other thresholds there are fewer bars.
    layers["layer"]["columns"]["bucket-0"]["params"]["ranges"][0]["note"] = "mine"
    fake.edit("dashboard", EXPLORATION, panelsJSON=dumped(panels))
    before = deepcopy(board)
    calibrate()
    status, out, _ = dashboards("install")
    assert status == 1
    assert said_of(out, "Exploration").startswith(RESULTS["kept"])
    assert "thresholds" in said_of(out, "Exploration")
    assert fake.stored["dashboard", EXPLORATION] == before


def moved(fake: FakeKibana, board: str) -> None:
    """Somebody makes a board's second panel higher, and takes its last one away."""
    panels = json.loads(fake.stored["dashboard", board]["attributes"]["panelsJSON"])
    panels[1]["gridData"]["h"] += 7
    fake.edit("dashboard", board, panelsJSON=json.dumps(panels[:-1]))


def test_an_edited_board_keeps_its_thresholds_until_it_is_overwritten(dashboards, fake, calibrate):
    dashboards("install")
    moved(fake, SEARCH)
    calibrate()
    status, out, err = dashboards("install")
    assert status == 1
    assert said_of(out, "Face search").startswith(RESULTS["kept"])
    assert "thresholds" in said_of(out, "Face search")
    assert "1 of 9" in err
    assert verdicts_of(fake) == {NOT_CALIBRATED, CALIBRATED}
    status, out, _ = dashboards("check")
    assert status == 1
    (problem,) = [one for one in problems(out) if "dashboard Face search" in one]
    assert "thresholds" in problem
    assert "`faces dashboards install --overwrite`" in problem
    assert dashboards("install", "--overwrite")[0] == 0
    assert verdicts_of(fake) == {CALIBRATED}
    assert dashboards("check")[0] == 0


def test_an_export_is_in_the_form_that_is_shipped_whatever_the_calibration(dashboards, fake, calibrate):
    calibrate()
    dashboards("install")
    assert dashboards("export") == (0, importing.SHIPPED.read_text(encoding="utf-8"), "")
    moved(fake, PROBES)
    shipped, exported = (
        {one["id"]: one for one in objects if one["type"] == "dashboard"}
        for objects in (build.objects(), parsed(dashboards("export")[1]))
    )
    assert [key for key in shipped if shipped[key]["attributes"] != exported[key]["attributes"]] == [PROBES]
    panels, theirs = (
        {panel["panelIndex"]: panel for panel in json.loads(found[PROBES]["attributes"]["panelsJSON"])}
        for found in (shipped, exported)
    )
    assert panels.keys() - theirs.keys() == {"requests"}
    assert [key for key in theirs if theirs[key] != panels[key]] == ["probes"]
    theirs["probes"]["gridData"]["h"] -= 7
    assert theirs["probes"] == panels["probes"]


def test_the_export_of_an_edited_panel_with_verdicts_shows_the_edit_alone(dashboards, fake, calibrate):
    calibrate()
    dashboards("install")
    panels = json.loads(fake.stored["dashboard", SEARCH]["attributes"]["panelsJSON"])
    (nearest,) = [panel for panel in panels if panel["panelIndex"] == "nearest"]
    nearest["gridData"]["h"] += 7
    fake.edit("dashboard", SEARCH, panelsJSON=json.dumps(panels))
    (exported,) = [one for one in parsed(dashboards("export")[1]) if one["id"] == SEARCH]
    (shipped,) = [one for one in build.objects() if one["id"] == SEARCH]
    assert exported["attributes"] != shipped["attributes"]
    nearest["gridData"]["h"] -= 7
    theirs = json.loads(exported["attributes"]["panelsJSON"])
    theirs[panels.index(nearest)]["gridData"]["h"] -= 7
    assert theirs == json.loads(shipped["attributes"]["panelsJSON"])


def test_the_export_shows_what_somebody_added_to_a_panel_also_where_another_is_gone(
    dashboards, fake, calibrate
):
    calibrate()
    dashboards("install")
    added_to(fake, SEARCH)
    panels = json.loads(fake.stored["dashboard", SEARCH]["attributes"]["panelsJSON"])
    fake.edit("dashboard", SEARCH, panelsJSON=dumped(panels[:-1]))
    (exported,) = [one for one in parsed(dashboards("export")[1]) if one["id"] == SEARCH]
    theirs = json.loads(exported["attributes"]["panelsJSON"])
    (nearest,) = [panel for panel in theirs if panel["panelIndex"] == "nearest"]
    assert nearest["embeddableConfig"]["timeRange"] == {"from": "now-7d", "to": "now"}
    assert NOT_CALIBRATED.sentence in nearest["embeddableConfig"]["description"]


@pytest.mark.parametrize("more", [(), ("--overwrite",)], ids=["", "overwrite"])
def test_while_elasticsearch_cant_be_asked_verdicts_stay_and_the_rest_comes(
    dashboards, fake, calibrate, more
):
    nowhere = {"ES_URL": f"http://127.0.0.1:{free_port()}"}
    status, out, err = dashboards("install", *more, **nowhere)
    assert status == 0
    assert NOT_CALIBRATED.words in out
    assert nowhere["ES_URL"] in err
    calibrate()
    dashboards("install")
    del fake.stored["dashboard", PROBES]
    status, out, err = dashboards("install", *more, **nowhere)
    assert status == 0
    assert said_of(out, "Probes: who is this?") == RESULTS["imported"]
    assert nowhere["ES_URL"] in err
    assert verdicts_of(fake) == {CALIBRATED}
