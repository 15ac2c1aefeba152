"""The import of boards into a Kibana, against one written from Kibana's own rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fake_kibana import OBJECTS, PANELS, FakeKibana, board
from secured import Authority

from es_setup.connection import Connection
from es_setup.embedded.local_node import free_port
from kibana.client import Kibana, KibanaError, StillStarting, connect
from kibana.importing import as_shipped, copies, install, presence


@pytest.fixture
def fake() -> Iterator[FakeKibana]:
    with FakeKibana() as started:
        yield started


@pytest.fixture
def kibana(fake) -> Kibana:
    return Kibana(fake.url)


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
    with pytest.raises(KibanaError, match=r"went away during POST.*run this again, which completes it"):
        install(kibana, OBJECTS, overwrite=False)
    assert len(fake.stored) == 2
    found = states(install(kibana, OBJECTS, overwrite=False))
    assert sorted(found.values()) == ["exists", "exists", "imported", "imported"]
    assert len(fake.stored) == len(OBJECTS)


def test_a_board_whose_data_view_is_missing_is_named_with_it_and_the_others_come(fake, kibana):
    objects = [*OBJECTS, board("lost", "Lost", view="not-shipped")]
    found = install(kibana, objects, overwrite=False)
    assert states(found) == every("imported") | {"Lost": "failed"}
    assert found[-1].reason == "it refers to what isn't in this space: index-pattern not-shipped"
    assert ("dashboard", "health") in fake.stored
    assert ("dashboard", "lost") not in fake.stored


def test_a_type_that_kibana_does_not_know_is_named_and_the_others_come(fake, kibana):
    new = {"type": "hologram", "id": "h", "attributes": {"title": "New"}, "references": []}
    found = install(kibana, [*OBJECTS, new], overwrite=False)
    assert states(found) == every("imported") | {"New": "failed"}
    assert "knows no objects of this type" in found[-1].reason
    assert set(states(install(kibana, [*OBJECTS, new], overwrite=False)).values()) == {"exists", "failed"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_boards_newer_than_kibana_are_refused_as_a_whole(fake, kibana, overwrite):
    objects = deepcopy(OBJECTS)
    objects[-1]["typeMigrationVersion"] = "10.9.0"
    with pytest.raises(KibanaError, match=r"older than the boards.*nothing was imported.*\[10\.9\.0\]"):
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
    assert "several copies of it (one, two): delete all but one" in found[2].reason


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


def test_a_space_that_is_not_there_is_refused_before_anything_is_written(fake):
    with pytest.raises(KibanaError, match=r"no space \[nowhere\].*Stack Management > Spaces"):
        Kibana(fake.url, space="nowhere").require_space()


@pytest.mark.parametrize(
    "login",
    [{"kibana_api_key": "key"}, {"es_api_key": "key"}, {"kibana_user": "elastic", "kibana_password": "key"}],
)
def test_keys_of_kibana_or_of_elasticsearch_open_it(login):
    with FakeKibana(api_key="key", base_path="/kibana") as fake:
        kibana = connect(Connection(kibana_url=f"{fake.url}/", **login))
        assert kibana.wait_until_available() == "8.19.21"
        kibana.require_space()
        assert states(install(kibana, OBJECTS, overwrite=False)) == every("imported")


@pytest.mark.parametrize(
    "login", [{}, {"kibana_api_key": "wrong"}, {"kibana_api_key": "no", "es_api_key": "key"}]
)
def test_a_wrong_key_is_said_with_the_variables_to_set(login):
    with FakeKibana(api_key="key") as fake:
        kibana = connect(Connection(kibana_url=fake.url, **login))
        assert kibana.wait_until_available() is None
        with pytest.raises(KibanaError, match=r"401.*KIBANA_API_KEY"):
            kibana.require_space()


def test_a_password_may_have_letters_of_any_language():
    with FakeKibana(api_key="schlüssel-顔") as fake:
        login = {"kibana_user": "elastic", "kibana_password": "schlüssel-顔"}
        connect(Connection(kibana_url=fake.url, **login)).require_space()


@pytest.mark.parametrize("key", ["secret\n", "secret-顔"])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(fake, key):
    with pytest.raises(KibanaError, match="KIBANA_API_KEY") as refused:
        connect(Connection(kibana_url=fake.url, kibana_api_key=key)).require_space()
    assert "secret" not in str(refused.value)


def test_a_key_that_may_not_write_is_told_the_privileges(fake, kibana):
    fake.forbidden = True
    with pytest.raises(KibanaError, match=r"403.*All on Dashboard.*\[default\]"):
        install(kibana, OBJECTS, overwrite=False)


def test_kibana_is_waited_for_and_what_is_waited_for_is_said():
    said = []
    with FakeKibana(starting=1) as fake:
        assert Kibana(fake.url).wait_until_available(60, said.append) == "8.19.21"
    assert said == [
        f"waiting at most 60 s: Kibana at {fake.url} is still starting "
        "(1 service is unavailable: savedObjects)"
    ]


def test_a_kibana_that_never_starts_ends_the_wait():
    with (
        FakeKibana(starting=1_000) as fake,
        pytest.raises(StillStarting, match=r"still starting.*waited 0\.1 s"),
    ):
        Kibana(fake.url).wait_until_available(0.1)


def test_where_no_kibana_is_the_address_is_asked_for():
    with pytest.raises(StillStarting, match=r"no Kibana at http://127.*KIBANA_URL"):
        Kibana(f"http://127.0.0.1:{free_port()}").wait_until_available()


@pytest.mark.parametrize("url", ["127.0.0.1:5601", "kibana", "ftp://kibana", "http://"])
def test_what_is_no_address_is_said(url):
    with pytest.raises(KibanaError, match="KIBANA_URL isn't an address"):
        connect(Connection(kibana_url=url))


@pytest.mark.parametrize("password", ["s3cret", "s3#cret", "9/s3cret"])
def test_a_password_in_the_address_is_refused_and_not_repeated(password):
    with pytest.raises(KibanaError, match="KIBANA_USER and KIBANA_PASSWORD") as refused:
        connect(Connection(kibana_url=f"http://elastic:{password}@127.0.0.1:5601"))
    assert "cret" not in str(refused.value)


def test_a_forgotten_base_path_is_said():
    with FakeKibana(base_path="/kibana") as fake, pytest.raises(KibanaError, match=r"server\.basePath"):
        Kibana(fake.url.removesuffix("/kibana")).wait_until_available()


@pytest.mark.parametrize(("version", "old"), [("8.18.4", True), ("8.19.0", False), ("9.5.3", False)])
def test_a_kibana_older_than_the_boards_is_refused(version, old):
    with FakeKibana(version=version) as fake:
        if not old:
            assert Kibana(fake.url).wait_until_available() == version
            return
        with pytest.raises(KibanaError, match=r"is 8\.18\.4: .*8\.19.*Nothing was changed"):
            Kibana(fake.url).wait_until_available()


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (200, {"content-type": "text/html"}, "<html>", "is a web page, not Kibana"),
        (200, {"content-type": "application/json"}, '{"hello": 1}', "isn't Kibana"),
        (400, {"x-elastic-product": "Elasticsearch"}, "{}", "is Elasticsearch, not Kibana"),
        (302, {"location": "https://sso.internal/"}, "", "leads on to https://sso.internal/: set KIBANA_URL"),
        (404, {"content-type": "text/html"}, "<html>", "there is no Kibana at"),
    ],
)
def test_what_is_not_kibana_is_named(status, headers, body, said):
    with answering(status, headers, body) as url, pytest.raises(KibanaError, match=said):
        Kibana(url).wait_until_available(60)


def test_an_import_that_something_else_answers_is_no_import():
    with answering(200, {"content-type": "text/plain"}, "OK") as url:
        with pytest.raises(KibanaError, match="isn't Kibana: set KIBANA_URL"):
            install(Kibana(url), OBJECTS, overwrite=False)
        with pytest.raises(KibanaError, match="isn't Kibana: set KIBANA_URL"):
            copies(Kibana(url), OBJECTS)


@contextmanager
def answering(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    """A server that answers everything with this; its address."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_certificate_is_trusted_through_its_authority_alone(tmp_path):
    ours, stranger = Authority(tmp_path, "ours"), Authority(tmp_path, "stranger")
    with FakeKibana(certificate=ours.issue("kibana")) as fake:
        trusting = connect(Connection(kibana_url=fake.url, es_ca_certs=ours.certificate))
        assert trusting.wait_until_available() == "8.19.21"
        for authority in (None, stranger.certificate):
            with pytest.raises(KibanaError, match="isn't trusted: set KIBANA_CA_CERTS"):
                Kibana(fake.url, ca_certs=authority).wait_until_available(60)
        with pytest.raises(KibanaError, match=r"KIBANA_CA_CERTS: .*no-such\.pem"):
            Kibana(fake.url, ca_certs=tmp_path / "no-such.pem").wait_until_available(60)
        with pytest.raises(StillStarting, match="with https where Kibana has a certificate"):
            Kibana(fake.url.replace("https", "http")).wait_until_available()


def test_no_key_is_ever_shown():
    shown = repr(connect(Connection(kibana_api_key="secret-key", kibana_password="secret-word")))
    assert "secret" not in shown
