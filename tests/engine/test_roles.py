"""What roles and API keys may do, on a node with security whose roles come from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import AuthorizationException, Elasticsearch
from secured import PASSWORD, Authority, security
from tools import CALIBRATION, bracketed, encoded, face_stats, innermost
from typer.testing import CliRunner

from es_setup.connection import Connection
from es_setup.embedded import distribution, local_node
from es_setup.install import install
from es_setup.models import model_of
from es_setup.shipped_files import HERE, role_requests
from faces import local_stack
from faces.cli import app
from faces.decisions.entries import Decision
from faces.decisions.journal import Journal
from faces.explore.exploration import explore

ROLES = {request.path.rsplit("/", 1)[1]: request.body for request in role_requests()}
OTHERS = {
    "blind_writer": {"indices": [{"names": ["faces", "faces-*"], "privileges": ["write", "auto_configure"]}]},
    "alias_editor": {"indices": [{"names": ["faces"], "privileges": ["read", "write", "auto_configure"]}]},
    "folder_sender": {
        "indices": [{"names": ["faces", "faces-*"], "privileges": ["read", "write", "view_index_metadata"]}]
    },
}
"""Roles that somebody could define."""


def test_each_api_key_has_the_rights_of_its_role():
    keys = {file.stem: json.loads(file.read_text()) for file in (HERE / "api_keys").glob("*.json")}
    assert set(keys) == set(ROLES)
    for name, key in keys.items():
        rights = {part: value for part, value in ROLES[name].items() if part != "description"}
        assert key == {"name": name, "role_descriptors": {name: rights}}


def test_roles_are_refused_by_elasticsearch_without_security_with_the_file_to_edit(running):
    result = CliRunner().invoke(app, ["install", "--roles"], env={"ES_URL": running.connection.es_url})
    assert result.exit_code == 1
    assert "config/roles.yml" in result.stderr


@pytest.fixture(scope="module")
def as_user(cache, running, tmp_path_factory) -> Iterator[Callable[[str], Connection]]:
    """The connection of a user who has only this role; the admin has installed everything."""
    authority = Authority(tmp_path_factory.mktemp("tls"), "ours")
    home = distribution.prepare(cache.root, print)
    faces_url = running.connection.faces_url
    with local_stack.working_folder() as folder:
        settings = {"face.endpoint.default.urls": faces_url}
        with local_node.running_node(
            home, folder, settings, security=security(authority, ROLES | OTHERS)
        ) as node:

            def connection(user: str) -> Connection:
                return Connection(
                    node.url,
                    faces_url,
                    es_user=user,
                    es_password=PASSWORD,
                    es_ca_certs=authority.certificate,
                )

            for _ in install(connection("faces_admin").elasticsearch(), running.model):
                pass
            yield connection


@pytest.fixture
def by_role(as_user) -> Callable[[str], Elasticsearch]:
    """A client of the user with this role."""
    return lambda role: as_user(role).elasticsearch()


def forbidden(call: Callable[..., object], **arguments: object) -> bool:
    try:
        call(**arguments)
    except AuthorizationException:
        return True
    return False


def test_the_command_line_takes_a_password_and_a_certificate_authority(as_user):
    connection = as_user("faces_admin")
    environment = {
        "ES_URL": connection.es_url,
        "FACES_URL": connection.faces_url,
        "ES_USER": connection.es_user,
        "ES_PASSWORD": PASSWORD,
        "ES_CA_CERTS": str(connection.es_ca_certs),
    }
    for command in ("install", "status"):
        result = CliRunner().invoke(app, [command], env=environment)
        assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["status"], env=environment | {"ES_PASSWORD": "wrong"})
    assert result.exit_code == 1
    assert "401" in result.output
    assert all(name in result.output for name in ("ES_API_KEY", "ES_USER", "ES_PASSWORD"))


@pytest.fixture
def examined(as_user) -> Callable[..., tuple[int, dict[str, str]]]:
    """Runs `faces doctor` as a user with this role; returns its exit status and each problem by its code."""

    def doctor(role: str, **environment: str) -> tuple[int, dict[str, str]]:
        connection = as_user(role)
        variables = {
            "ES_URL": connection.es_url,
            "FACES_URL": connection.faces_url,
            "ES_USER": connection.es_user,
            "ES_PASSWORD": PASSWORD,
            "ES_CA_CERTS": str(connection.es_ca_certs),
        }
        result = CliRunner().invoke(app, ["doctor", "--json"], env=variables | environment)
        found = json.loads(result.stdout)["findings"]
        problems: dict[str, str] = {}
        for finding in found:
            problems[finding["code"]] = problems.get(finding["code"], "") + finding["problem"] + "\n"
        return result.exit_code, problems

    return doctor


def test_the_doctor_sees_all_as_admin_and_says_which_right_another_user_lacks(examined):
    assert "unseen" not in examined("faces_admin")[1]
    status, problems = examined("faces_analyst")
    assert status == 0
    assert "cluster privilege [monitor]" in problems["unseen"]
    assert "plugin-missing" not in problems
    status, problems = examined("faces_sender")
    assert "index privilege [view_index_metadata]" in problems["unseen"]


def test_a_wrong_password_and_an_unknown_authority_are_told_from_each_other(examined, tmp_path):
    status, problems = examined("faces_admin", ES_PASSWORD="wrong")
    assert status == 1
    assert problems.keys() == {"elasticsearch"}
    assert "401" in problems["elasticsearch"]
    other = Authority(tmp_path, "other").certificate
    status, problems = examined("faces_admin", ES_CA_CERTS=str(other))
    assert (status, problems.keys()) == (1, {"elasticsearch"})
    assert "ES_CA_CERTS" in problems["elasticsearch"]


def test_the_admin_reads_keys_again_and_gives_no_rights_and_changes_no_setting(by_role):
    es = by_role("faces_admin")
    es.nodes.reload_secure_settings()
    assert forbidden(es.cluster.put_settings, persistent={"face.endpoint.other.urls": "http://127.0.0.1:9"})
    assert forbidden(es.indices.put_settings, index="faces", settings={"index.default_pipeline": "_none"})
    assert forbidden(es.search, index="somebody-elses")
    assert forbidden(es.indices.create, index="somebody-elses")


def test_a_sender_drops_photos_and_reads_nothing(by_role, portrait):
    es = by_role("faces_sender")
    photo = {"image": encoded(portrait), "a field of my own": "x"}
    assert es.index(index="faces", document=photo, refresh=True)["result"] == "created"
    assert es.create(index="faces", id="1", document=photo)["result"] == "created"
    assert es.index(index="face-probes", document=photo)["result"] == "created"
    assert forbidden(es.index, index="faces", id="1", document=photo)
    assert forbidden(es.update, index="faces", id="1", doc={"person": {"name": "Ann"}})
    assert forbidden(es.delete, index="faces", id="1")
    for index in ("faces", "faces-000001", "face-probes", "face-gallery"):
        assert forbidden(es.search, index=index)
        assert forbidden(es.get, index=index, id="1")
    assert forbidden(es.index, index="face-gallery", document=photo)
    assert forbidden(es.cluster.get_settings)


def test_who_may_write_and_not_read_adds_photos_and_replaces_none(by_role, portrait):
    root, es = by_role("root"), by_role("blind_writer")
    photo = {"image": encoded(portrait)}
    assert es.index(index="faces", id="blind", document=photo)["result"] == "created"
    root.update(index="faces", id="blind", doc={"tags": ["holiday"]})
    with pytest.raises(AuthorizationException) as refused:
        es.index(index="faces", id="blind", document=photo | {"note": "x"})
    assert {"blind", "faces", "read"} <= bracketed(innermost(refused.value.body["error"]))
    operations: list[dict] = []
    for key in ("blind", "blind too"):
        operations += [{"index": {"_index": "faces", "_id": key}}, photo]
    assert [item["index"]["status"] for item in es.bulk(operations=operations)["items"]] == [403, 201]
    es.update(index="faces", id="blind", doc={"note": "an update needs no right to read"})
    found = root.get(index="faces", id="blind")["_source"]
    assert (found["tags"], found["note"]) == (["holiday"], "an update needs no right to read")


def test_the_alias_is_enough_to_send_a_photo_again(by_role, portrait):
    es = by_role("alias_editor")
    photo = {"image": encoded(portrait)}
    es.index(index="faces", id="alias", document=photo)
    es.update(index="faces", id="alias", doc={"tags": ["holiday"]})
    assert es.index(index="faces", id="alias", document=photo | {"note": "x"})["result"] == "updated"
    assert es.get(index="faces", id="alias")["_source"]["tags"] == ["holiday"]


def test_a_senders_probe_is_matched_by_the_gallerys_calibration(by_role, portrait, running):
    root, es = by_role("root"), by_role("faces_sender")
    document = {"image": encoded(portrait), "person": {"name": "Ben"}}
    root.index(index="face-gallery", id="ben", document=document, refresh=True)
    calibration = CALIBRATION | {"model": running.model}
    root.indices.put_mapping(index="face-gallery", meta={"ingest_face": {"calibration": calibration}})
    assert forbidden(es.indices.get_mapping, index="face-gallery")
    stored = es.index(index="face-probes", document={"image": encoded(portrait)})
    (face,) = root.get(index="face-probes", id=stored["_id"])["_source"]["faces"]
    assert face["match"]["probability"] > 0.99
    root.delete(index="face-gallery", id="ben")


def test_an_analyst_searches_all_three_and_changes_nothing(by_role, portrait):
    by_role("root").index(index="faces", id="2", document={"image": encoded(portrait)}, refresh=True)
    es = by_role("faces_analyst")
    for index in ("faces", "face-gallery", "face-probes"):
        es.search(index=index)
        model_of(es, index)
    query = {"field": "faces.vector", "k": 1, "num_candidates": 10}
    query["query_vector_builder"] = {"face": {"image": encoded(portrait)}}
    assert es.search(index="faces", knn=query)["hits"]["hits"]
    assert face_stats(es)["nodes"]
    # For `GET /`, which a real server protects by this right; the embedded one answers everybody.
    assert es.security.has_privileges(cluster=["cluster:monitor/main"])["has_all_requested"]
    assert explore(es, "faces").overview.photos == es.count(index="faces")["count"]
    assert forbidden(es.index, index="faces", document={})
    assert forbidden(es.update, index="faces", id="2", doc={})
    assert forbidden(es.cluster.put_settings, persistent={"face.endpoint.default.urls": "http://127.0.0.1:9"})
    assert forbidden(es.ingest.put_pipeline, id="faces", processors=[])
    assert forbidden(es.perform_request, method="GET", path="/_tasks", headers={"accept": "application/json"})


def test_a_keeper_enrols_corrects_and_removes_people_and_sees_no_archive(by_role, portrait):
    es = by_role("faces_gallery_keeper")
    document = {"image": encoded(portrait), "person": {"name": "Ben"}}
    for index in ("face-gallery", "face_recognition"):
        es.index(index=index, id="ben", document=document, refresh=True)
        es.update(index=index, id="ben", doc={"tags": ["watch"]})
        assert es.get(index=index, id="ben")["_source"]["tags"] == ["watch"]
        es.delete(index=index, id="ben")
    assert forbidden(es.search, index="faces")
    assert forbidden(es.search, index="face-probes")
    assert forbidden(es.index, index="face-probes", document=document)
    assert forbidden(es.ingest.put_pipeline, id="face-gallery", processors=[])


def test_a_keeper_writes_decisions_down_under_their_own_name_and_an_analyst_reads_them(by_role):
    journal = Journal(by_role("faces_gallery_keeper"))
    operation = journal.begin("rename", ["Ben", "Benjamin"])
    before, after = {"name": "Ben"}, {"name": "Benjamin"}
    journal.write([Decision(operation, "face-gallery-000001", "ben", None, before, after)])
    by_role("faces_admin").indices.refresh(index="face-decisions")
    analyst = by_role("faces_analyst")
    (entry,) = Journal(analyst).decisions(name="Ben")
    assert (entry.operation.user, entry.after) == ("faces_gallery_keeper", after)
    assert forbidden(analyst.index, index="face-decisions", document={})
    assert forbidden(by_role("faces_sender").search, index="face-decisions")


def test_an_admin_forgets_a_photo_and_nobody_else_reads_what_was_forgotten(as_user, by_role, good):
    admin, connection = by_role("faces_admin"), as_user("faces_admin")
    admin.index(index="faces", id="gone", document=good, refresh=True)
    environment = {
        "ES_URL": connection.es_url,
        "ES_USER": connection.es_user,
        "ES_PASSWORD": PASSWORD,
        "ES_CA_CERTS": str(connection.es_ca_certs),
    }
    arguments = ["forget", "--id", "gone", "--yes", "--no-expunge", "--json"]
    result = CliRunner().invoke(app, arguments, env=environment)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["proved"]
    assert not admin.exists(index="faces", id="gone")
    for role in ("faces_analyst", "faces_gallery_keeper", "faces_sender"):
        assert forbidden(by_role(role).search, index="face-forgotten")
        assert forbidden(by_role(role).get, index="face-forgotten-key", id="key")


def test_faces_index_needs_no_more_than_the_docs_say(as_user, portrait, tmp_path):
    connection = as_user("folder_sender")
    environment = {
        "ES_URL": connection.es_url,
        "ES_USER": connection.es_user,
        "ES_PASSWORD": PASSWORD,
        "ES_CA_CERTS": str(connection.es_ca_certs),
    }
    (tmp_path / "photo.jpg").write_bytes(portrait.read_bytes() + b"of a folder")
    for outcome in ("new", "unchanged"):
        result = CliRunner().invoke(app, ["index", str(tmp_path), "--json"], env=environment)
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert (report[outcome], report["faces"]) == (1, 1)
        # The file's date, written after the photo, by a user who may not refresh the index.
        dated = {"term": {"photo.dated_by": "file"}}
        assert connection.elasticsearch().search(index="faces", query=dated)["hits"]["hits"]
