"""The command `faces dashboards`, as a person or the compose set-up runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from fake_kibana import OBJECTS, FakeKibana
from tools import encoded
from typer.testing import CliRunner

from board_preview.scene import CALIBRATION
from es_setup.embedded.local_node import free_port
from faces.calibration.board_verdicts import of_calibration
from faces.cli import app
from faces.local_stack import LocalStack
from kibana import build, importing
from kibana.boards import EXPLORATION, PROBES, SEARCH
from kibana.client import ndjson, parsed
from kibana.objects.saved_object import dumped
from kibana.verdicts import NOT_CALIBRATED, said_by

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fake() -> Iterator[FakeKibana]:
    with FakeKibana() as started:
        yield started


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch) -> Path:
    file = tmp_path / "saved_objects.ndjson"
    file.write_text(ndjson(OBJECTS))
    monkeypatch.setattr(build, "objects", lambda verdicts=None: parsed(file.read_text()))
    return file


@pytest.fixture
def run(dashboards: Run, shipped: Path) -> Run:
    """Runs `faces dashboards ...` with a few boards; returns exit status, standard output and error."""
    return dashboards


@pytest.fixture
def dashboards(fake: FakeKibana, running: LocalStack) -> Run:
    """Runs `faces dashboards ...` with the boards themselves."""

    def invoke(*arguments: object, **environment: str) -> tuple[int, str, str]:
        variables = {"KIBANA_URL": fake.url, "ES_URL": running.connection.es_url} | environment
        result = CliRunner().invoke(app, ["dashboards", *map(str, arguments)], env=variables)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_installing_says_what_came_and_what_was_there(run):
    assert run("install") == (
        0,
        "tag Faces: imported\nindex-pattern faces: imported\ndashboard Face search: imported\n"
        "dashboard Ingest health: imported\n"
        "verdicts: strong from 0.60, possible from 0.46; not calibrated\n",
        "",
    )
    status, out, _ = run("install")
    assert status == 0
    assert out.count(": exists\n") == len(OBJECTS)


def test_an_edited_board_ends_the_install_with_1_and_the_way_to_replace_it(run, fake):
    run("install")
    fake.edit("dashboard", "search", title="Mine")
    status, out, err = run("install")
    assert status == 1
    assert "dashboard Face search: DIFFERS, kept as it is" in out
    assert "1 of 4 are not as shipped" in err
    assert "`faces dashboards install --overwrite` replaces them: their changes are lost" in err
    status, out, _ = run("install", "--overwrite")
    assert status == 0
    assert "dashboard Face search: replaced" in out


def test_who_keeps_edited_boards_is_told_of_them_and_has_no_failure(run, fake):
    run("install")
    fake.edit("dashboard", "search", title="Mine")
    del fake.stored["dashboard", "health"]
    status, out, err = run("install", "--keep-edited")
    assert status == 0
    assert "dashboard Face search: DIFFERS, kept as it is" in out
    assert "dashboard Ingest health: imported" in out
    assert "1 of 4 are not as shipped" in err
    assert fake.stored["dashboard", "search"]["attributes"]["title"] == "Mine"


def test_keeping_edited_boards_hides_no_failure(run, shipped):
    unknown = {"type": "no-such-type", "id": "x", "attributes": {"title": "X"}, "references": []}
    shipped.write_text(shipped.read_text() + ndjson([unknown]))
    assert run("install", "--keep-edited")[0] == 1


def test_edited_boards_are_either_kept_or_replaced(run, fake):
    status, out, err = run("install", "--keep-edited", "--overwrite")
    assert (status, out) == (2, "")
    assert err == "error: give either --overwrite, or --keep-edited\n"
    assert fake.requests == []


def test_a_second_space_says_which_ids_it_gave(run, fake):
    run("install")
    fake.spaces.add("lab")
    status, out, _ = run("install", "--space", "lab")
    assert status == 0
    given = next(name for kind, name in fake.in_space("lab") if kind == "tag")
    assert f"tag Faces: imported as {given}, since another space has [faces]" in out


def test_a_wrong_space_ends_before_anything_is_written(run, fake):
    status, _, err = run("install", "--space", "nowhere")
    assert status == 1
    assert err.startswith("error: Kibana has no space [nowhere]")
    assert fake.stored == {}


def test_no_kibana_is_one_message_and_no_traceback(run):
    status, out, err = run("install", "--wait", 0, KIBANA_URL=f"http://127.0.0.1:{free_port()}")
    assert (status, out) == (1, "")
    assert err.startswith("error: no Kibana at http://127.0.0.1")


def test_elasticsearchs_own_address_is_told_apart(run, running):
    status, _, err = run("install", KIBANA_URL=running.connection.es_url)
    assert status == 1
    assert "is Elasticsearch, not Kibana" in err


def test_the_key_comes_from_the_environment_and_elasticsearchs_serves(run, fake):
    fake.api_key = "key"
    assert run("install")[0] == 1
    assert run("install", ES_API_KEY="key")[0] == 0
    assert run("install", KIBANA_USER="elastic", KIBANA_PASSWORD="key")[0] == 0


def test_an_export_is_the_file_that_was_imported(run, fake, shipped, tmp_path):
    assert run("export") == (0, "", "")
    run("install")
    assert run("export") == (0, shipped.read_text(), "")
    fake.edit("dashboard", "search", title="Mine")
    file = tmp_path / "export.ndjson"
    assert run("export", "--out", file) == (0, "", "")
    before, after = (path.read_text().split("\n") for path in (shipped, file))
    edited = before[2].replace("Face search", "Mine").replace('"10.2.0"', '"10.3.0"')
    assert [line for line in after if line not in before] == [edited]


def test_a_check_touches_nothing_and_names_what_is_missing(run, fake):
    status, out, _ = run("check")
    assert status == 1
    assert "problem: dashboard Face search is missing: run `faces dashboards install`" in out
    assert fake.stored == {}
    run("install")
    status, out, _ = run("check")
    assert status == 0
    assert "dashboard Face search: equal\n" in out
    assert "vis_type_vega.enableExternalUrls" in out
    fake.edit("dashboard", "search", title="Mine")
    del fake.stored["tag", "faces"]
    status, out, _ = run("check", "--json")
    report = json.loads(out)
    assert status == 1
    assert report["problems"] == [
        "tag Faces is missing: run `faces dashboards install`",
        "dashboard Face search refers to what isn't in this space: tag faces",
        "dashboard Ingest health refers to what isn't in this space: tag faces",
    ]
    assert [one["state"] for one in report["objects"]] == ["missing", "equal", "changed", "equal"]
    assert report["elasticsearch"]["indices"] == [{"name": "faces", "exists": True, "missing_fields": []}]
    assert report["elasticsearch"]["plugin"]


def test_a_check_names_an_index_that_is_not_there(run, shipped):
    shipped.write_text(shipped.read_text().replace('"title":"faces"', '"title":"no-such-index"'))
    run("install")
    status, out, _ = run("check")
    assert status == 1
    assert "problem: Elasticsearch has no [no-such-index]: run `faces install`" in out


def test_a_check_without_elasticsearch_still_tells_about_the_boards(run):
    run("install")
    status, out, _ = run("check", ES_URL=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert "dashboard Face search: equal" in out
    assert "problem: Elasticsearch doesn't answer" in out


def test_a_check_shows_no_password_of_elasticsearchs_address(run):
    nowhere = f"127.0.0.1:{free_port()}"
    run("install")
    _, out, err = run("check", "--json", ES_URL=f"http://elastic:s3cret@{nowhere}")
    assert json.loads(out)["elasticsearch"]["url"] == f"http://***@{nowhere}"
    assert f"is http://***@{nowhere} right" in out
    assert "s3cret" not in out + err


def test_the_alert_rule_is_made_once_and_overwritten_on_demand(run, fake):
    assert fake.rules == {}
    status, out, _ = run("install", "--alert")
    assert status == 0
    assert "connector Face alerts: made\nrule A face on the watch list: made\n" in out
    made = dict(fake.rules)
    for body in fake.rules.values():
        body["name"] = "Mine"
    _, out, _ = run("install", "--alert")
    assert "connector Face alerts: exists\nrule A face on the watch list: exists\n" in out
    assert {body["name"] for body in fake.rules.values()} == {"Mine"}
    _, out, _ = run("install", "--alert", "--overwrite")
    assert "rule A face on the watch list: replaced" in out
    assert fake.rules.keys() == made.keys()
    assert "Mine" not in {body["name"] for body in fake.rules.values()}


def test_each_space_has_an_alert_rule_with_a_connector_of_its_own(run, fake):
    fake.spaces.add("lab")
    run("install", "--alert")
    assert run("install", "--alert", "--space", "lab")[0] == 0
    for space, path in (("default", "/app/dashboards"), ("lab", "/s/lab/app/dashboards")):
        [connector] = [name for kind, where, name in fake.rules if (kind, where) == ("connector", space)]
        [rule] = [body for (kind, where, _), body in fake.rules.items() if (kind, where) == ("rule", space)]
        [action] = rule["actions"]
        assert action["id"] == connector
        assert action["params"]["documents"][0]["board"].startswith("{{kibanaBaseUrl}}" + path)


def test_a_kibana_without_an_encryption_key_is_explained(run, fake):
    fake.encryption_key = False
    status, _, err = run("install", "--alert")
    assert status == 1
    assert "xpack.encryptedSavedObjects.encryptionKey" in err


def test_the_alerts_query_finds_hits_on_the_watch_list_without_their_photos(run, fake, running, people):
    run("install", "--alert")
    [params] = [body["params"] for (kind, *_), body in fake.rules.items() if kind == "rule"]
    es, photos = running.connection.elasticsearch(), people["madonna"]
    portrait = {"image": encoded(photos[0]), "person": {"name": "Madonna"}, "tags": ["watch"]}
    es.index(index="face-gallery", id="watched", document=portrait, refresh=True)
    probes = {"hit": photos[0], "other": people["elton_john"][0]}
    for name, photo in probes.items():
        document = {"image": encoded(photo), "observer": {"name": "gate 3"}}
        es.index(index="face-probes", id=name, document=document, refresh=True)
    try:
        query = json.loads(params["esQuery"])
        recent = {"range": {params["timeField"]: {"gte": "now-5m"}}}
        hits = es.search(
            index=params["index"][0],
            query={"bool": {"filter": [query["query"], recent]}},
            source=query["_source"],
            fields=query["fields"],
        )["hits"]["hits"]
    finally:
        es.delete(index="face-gallery", id="watched", refresh=True)
        for name in probes:
            es.delete(index="face-probes", id=name, refresh=True)
    assert [(hit["_id"], hit["fields"]) for hit in hits] == [
        ("hit", {"matched_people": ["Madonna"], "observer.name": ["gate 3"]})
    ]
    assert "_source" not in hits[0]


WITH_VERDICTS = ("Face search", "Probes: who is this?", "Exploration")
CALIBRATED = of_calibration(CALIBRATION)


def verdicts_of(fake: FakeKibana) -> set:
    return {found for one in fake.stored.values() if (found := said_by(one))}


def states(out: str) -> dict[str, str]:
    """What is printed of each board: title -> state."""
    lines = [line.removeprefix("dashboard ") for line in out.split("\n") if line.startswith("dashboard ")]
    return {title: state for title, _, state in (line.rpartition(": ") for line in lines)}


def test_boards_come_with_the_lines_of_the_clusters_calibration(dashboards, fake, calibrate):
    calibrate()
    status, out, err = dashboards("install")
    assert (status, err) == (0, "")
    assert out.endswith(
        "verdicts: strong from 0.5612, possible from 0.50; 1 % false hits over 746 faces, "
        "calibrated 2026-11-25\n"
    )
    assert verdicts_of(fake) == {CALIBRATED}
    before = dict(fake.stored)
    assert set(states(dashboards("install")[1]).values()) == {"exists"}
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
        assert f"dashboard {title}: equal, but for its verdicts\n" in out
        assert (
            f"problem: dashboard {title} has verdicts of other lines than the calibration's: "
            "run `faces dashboards install`\n"
        ) in out
    assert "dashboard Ingest health: equal\n" in out
    assert verdicts_of(fake) == {NOT_CALIBRATED}, "a check touches nothing"

    status, out, err = dashboards("install")
    assert (status, err) == (0, "")
    assert states(out) == dict.fromkeys(WITH_VERDICTS, "imported anew for its verdicts") | {
        "Ingest health": "exists"
    }
    assert verdicts_of(fake) == {CALIBRATED}
    status, out, _ = dashboards("check", "--json")
    report = json.loads(out)
    assert (status, report["problems"]) == (0, [])
    assert report["verdicts"] == {"strong": 0.5612, "possible": 0.5, "source": CALIBRATED.source}

    calibrate(None)
    assert dashboards("install")[0] == 0
    assert verdicts_of(fake) == {NOT_CALIBRATED}


def test_copies_in_a_second_space_get_the_lines_too(dashboards, fake, calibrate):
    dashboards("install")
    fake.spaces.add("lab")
    dashboards("install", "--space", "lab")
    calibrate()
    status, out, _ = dashboards("install", "--space", "lab")
    assert status == 0
    assert out.count(": imported anew for its verdicts as ") == len(WITH_VERDICTS)
    assert {said_by(one) for key, one in fake.in_space("lab").items() if key[0] == "dashboard"} == {
        CALIBRATED,
        None,
    }
    assert said_by(fake.stored["dashboard", SEARCH]) == NOT_CALIBRATED
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
def test_what_somebody_added_to_a_board_stays_when_it_gets_other_lines(dashboards, fake, calibrate, space):
    dashboards("install")
    fake.spaces.add(space)
    dashboards("install", "--space", space)
    boards = [key for key, one in fake.in_space(space).items() if said_by(one)]
    (search,) = [key for kind, key in boards if fake.stored[kind, key].get("originId", key) == SEARCH]
    added_to(fake, search)
    before = deepcopy(fake.stored["dashboard", search])
    calibrate()
    status, out, err = dashboards("install", "--space", space)
    assert (status, err) == (0, "")
    assert "dashboard Face search: imported anew for its verdicts" in out
    assert {said_by(fake.stored[key]) for key in boards} == {CALIBRATED}
    assert dashboards("check", "--space", space)[0] == 0

    calibrate(None)
    dashboards("install", "--space", space)
    after = fake.stored["dashboard", search]
    assert after["attributes"] == before["attributes"]
    assert after["references"] == before["references"]
    assert dashboards("install", "--overwrite", "--space", space)[0] == 0
    assert fake.stored["dashboard", search]["attributes"] != before["attributes"]


def test_a_board_whose_lines_cant_be_told_apart_from_what_somebody_added_is_kept(dashboards, fake, calibrate):
    dashboards("install")
    board = fake.stored["dashboard", EXPLORATION]
    panels = json.loads(board["attributes"]["panelsJSON"])
    (bars,) = [panel for panel in panels if panel["panelIndex"] == "similarity"]
    layers = bars["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    # Between other lines there are fewer bars.
    layers["layer"]["columns"]["bucket-0"]["params"]["ranges"][0]["note"] = "mine"
    fake.edit("dashboard", EXPLORATION, panelsJSON=dumped(panels))
    before = deepcopy(board)
    calibrate()
    status, out, _ = dashboards("install")
    assert status == 1
    assert "dashboard Exploration: DIFFERS, kept as it is: its verdict lines are others, too\n" in out
    assert fake.stored["dashboard", EXPLORATION] == before


def moved(fake: FakeKibana, board: str) -> None:
    """Somebody makes a board's second panel higher, and takes its last one away."""
    panels = json.loads(fake.stored["dashboard", board]["attributes"]["panelsJSON"])
    panels[1]["gridData"]["h"] += 7
    fake.edit("dashboard", board, panelsJSON=json.dumps(panels[:-1]))


def test_an_edited_board_keeps_its_lines_and_says_so_until_it_is_overwritten(dashboards, fake, calibrate):
    dashboards("install")
    moved(fake, SEARCH)
    calibrate()
    status, out, err = dashboards("install")
    assert status == 1
    assert "dashboard Face search: DIFFERS, kept as it is: its verdict lines are others, too\n" in out
    assert "1 of 9 are not as shipped" in err
    assert verdicts_of(fake) == {NOT_CALIBRATED, CALIBRATED}
    status, out, _ = dashboards("check")
    assert status == 1
    assert (
        "problem: dashboard Face search isn't as shipped, and its verdicts aren't by the calibration: "
        "`faces dashboards install --overwrite` replaces it\n"
    ) in out
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
    assert "verdicts: strong from 0.60, possible from 0.46; not calibrated\n" in out
    assert err.startswith(
        "the boards' verdicts stay, as Elasticsearch doesn't say whether it is calibrated: Elasticsearch "
        "doesn't answer"
    )
    calibrate()
    dashboards("install")
    del fake.stored["dashboard", PROBES]
    status, out, err = dashboards("install", *more, **nowhere)
    assert status == 0
    assert "dashboard Probes: who is this?: imported\n" in out
    assert "the boards' verdicts stay" in err
    assert verdicts_of(fake) == {CALIBRATED}
