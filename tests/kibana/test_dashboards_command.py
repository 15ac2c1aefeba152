"""The command `faces dashboards`, as a person or the compose set-up runs it."""

from __future__ import annotations

import json

from dashboard_output import problems, said_of
from small_boards import OBJECTS

from es_setup.embedded.local_node import free_port
from faces.cli.dashboards import RESULTS
from kibana.saved_object import ndjson


def test_installing_says_what_was_imported_and_what_existed(run):
    status, out, err = run("install")
    assert (status, err) == (0, "")
    for one in OBJECTS:
        title = one["attributes"].get("title") or one["attributes"]["name"]
        assert said_of(out, title) == RESULTS["imported"]
    for fact in ("0.60", "0.46", "not calibrated"):
        assert fact in out
    status, out, _ = run("install")
    assert status == 0
    assert out.count(f": {RESULTS['exists']}\n") == len(OBJECTS)


def test_an_edited_board_ends_the_install_with_1_and_the_command_that_replaces_it(run, fake):
    run("install")
    fake.edit("dashboard", "search", title="Mine")
    status, out, err = run("install")
    assert status == 1
    assert said_of(out, "Face search") == RESULTS["kept"]
    assert "1 of 4" in err
    assert "`faces dashboards install --overwrite`" in err
    status, out, _ = run("install", "--overwrite")
    assert status == 0
    assert said_of(out, "Face search") == RESULTS["replaced"]


def test_keeping_edited_boards_names_them_and_is_no_failure(run, fake):
    run("install")
    fake.edit("dashboard", "search", title="Mine")
    del fake.stored["dashboard", "health"]
    status, out, err = run("install", "--keep-edited")
    assert status == 0
    assert said_of(out, "Face search") == RESULTS["kept"]
    assert said_of(out, "Ingest health") == RESULTS["imported"]
    assert "1 of 4" in err
    assert fake.stored["dashboard", "search"]["attributes"]["title"] == "Mine"


def test_keeping_edited_boards_hides_no_failure(run, shipped):
    unknown = {"type": "no-such-type", "id": "x", "attributes": {"title": "X"}, "references": []}
    shipped.write_text(shipped.read_text() + ndjson([unknown]))
    assert run("install", "--keep-edited")[0] == 1


def test_edited_boards_are_either_kept_or_replaced(run, fake):
    status, out, err = run("install", "--keep-edited", "--overwrite")
    assert (status, out) == (2, "")
    assert "--overwrite" in err
    assert "--keep-edited" in err
    assert fake.requests == []


def test_a_second_space_says_which_ids_it_gave(run, fake):
    run("install")
    fake.spaces.add("lab")
    status, out, _ = run("install", "--space", "lab")
    assert status == 0
    given = next(name for kind, name in fake.in_space("lab") if kind == "tag")
    assert given in said_of(out, "Faces")
    assert "[faces]" in said_of(out, "Faces")


def test_a_wrong_space_ends_before_anything_is_written(run, fake):
    status, _, err = run("install", "--space", "nowhere")
    assert status == 1
    assert err.startswith("error: ")
    assert "[nowhere]" in err
    assert fake.stored == {}


def test_no_kibana_is_one_message_and_no_traceback(run):
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, out, err = run("install", "--wait", 0, KIBANA_URL=nowhere)
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert nowhere in err
    assert err.count("\n") == 1


def test_elasticsearchs_own_address_is_told_apart(run, running):
    status, _, err = run("install", KIBANA_URL=running.connection.es_url)
    assert status == 1
    assert "Elasticsearch" in err
    assert "KIBANA_URL" in err


def test_the_key_comes_from_the_environment_and_elasticsearchs_is_valid_too(run, fake):
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
    (problem,) = [one for one in problems(out) if "dashboard Face search" in one]
    assert "`faces dashboards install`" in problem
    assert fake.stored == {}
    run("install")
    status, out, _ = run("check")
    assert status == 0
    assert said_of(out, "Face search") == "equal"
    assert "vis_type_vega.enableExternalUrls" in out
    fake.edit("dashboard", "search", title="Mine")
    del fake.stored["tag", "faces"]
    status, out, _ = run("check", "--json")
    report = json.loads(out)
    assert status == 1
    missing, *dangling = report["problems"]
    assert "tag Faces" in missing
    assert ["tag faces" in problem for problem in dangling] == [True, True]
    assert [one["state"] for one in report["objects"]] == ["missing", "equal", "changed", "equal"]
    assert [one["dangling"] for one in report["objects"][2:]] == [[["tag", "faces"]]] * 2
    assert report["elasticsearch"]["indices"] == [{"name": "faces", "exists": True, "missing_fields": []}]
    assert report["elasticsearch"]["plugin"]


def test_a_check_names_an_index_that_is_not_there(run, shipped):
    shipped.write_text(shipped.read_text().replace('"title":"faces"', '"title":"no-such-index"'))
    run("install")
    status, out, _ = run("check")
    assert status == 1
    (problem,) = [one for one in problems(out) if "[no-such-index]" in one]
    assert "`faces install`" in problem


def test_a_check_without_elasticsearch_still_tells_about_the_boards(run):
    run("install")
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, out, _ = run("check", ES_URL=nowhere)
    assert status == 1
    assert said_of(out, "Face search") == "equal"
    assert any(nowhere in problem for problem in problems(out))


def test_a_check_shows_no_password_of_elasticsearchs_address(run):
    nowhere = f"127.0.0.1:{free_port()}"
    run("install")
    _, out, err = run("check", "--json", ES_URL=f"http://elastic:s3cret@{nowhere}")
    assert json.loads(out)["elasticsearch"]["url"] == f"http://***@{nowhere}"
    assert f"http://***@{nowhere}" in json.loads(out)["elasticsearch"]["problems"][0]
    assert "s3cret" not in out + err
