"""Photos and keys go only where `elasticsearch.yml` allows, and no photo takes the service from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elasticsearch import ApiError, AuthorizationException, Elasticsearch
from fake_service import MODEL, SLOW_PHOTO, FakeService
from secured import ROOT
from secured_stack import KEY, Secured
from tools import bracketed, encoded, face_stats, innermost

ALLOWED = "face.endpoint.allowed_hosts"
URLS = "face.endpoint.default.urls"
SLOW = "face.endpoint.slow"


@contextmanager
def changed(es: Elasticsearch, settings: dict[str, object]) -> Iterator[None]:
    es.cluster.put_settings(persistent=settings)
    try:
        yield
    finally:
        es.cluster.put_settings(persistent=dict.fromkeys(settings))


@pytest.mark.parametrize(
    "url",
    [
        "https://203.0.113.7:8501",
        "http://203.0.113.7:8501",
        "https://127.0.0.1.example:8501",
        "https://localhost.example:8501",
        "https://LOCALHOST.example.:8501",
        "https://2130706433:8501",
        "https://[2001:db8::1]:8501",
        "https://0.0.0.0:8501",
    ],
)
@pytest.mark.parametrize("kind", ["persistent", "transient"])
def test_a_host_that_the_node_does_not_allow_is_refused_with_its_setting(secured: Secured, url, kind):
    root = secured.as_(ROOT)
    with pytest.raises(ApiError) as refused:
        root.cluster.put_settings(**{kind: {URLS: [secured.service.url, url]}})
    assert refused.value.status_code == 400
    assert {URLS, ALLOWED} <= bracketed(innermost(refused.value.body["error"]))
    assert URLS not in root.cluster.get_settings(flat_settings=True)[kind]


@pytest.mark.parametrize(
    "url", ["http://2130706433", "http://127.1:1", "http://me@127.0.0.1:1", "http://0x7f.1:1"]
)
def test_nor_one_in_disguise(secured: Secured, url):
    with pytest.raises(ApiError) as refused:
        secured.as_(ROOT).cluster.put_settings(persistent={URLS: url})
    assert refused.value.status_code == 400


def test_the_list_is_the_nodes_own(secured: Secured):
    with pytest.raises(ApiError) as refused:
        secured.as_(ROOT).cluster.put_settings(persistent={ALLOWED: ["*"]})
    assert refused.value.status_code == 400


def test_an_endpoint_may_have_the_name_of_the_setting(secured: Secured, fakes: list[FakeService]):
    root = secured.as_(ROOT)
    with changed(root, {f"{ALLOWED}.urls": fakes[0].url}):
        root.ingest.simulate(
            pipeline={"processors": [{"face": {"endpoint": "allowed_hosts"}}]}, docs=[{"_source": {}}]
        )
        (node,) = face_stats(root)["nodes"].values()
        assert node["endpoints"]["allowed_hosts"]["configured"]


def test_the_key_goes_to_no_host_of_a_redirect(secured: Secured, fakes: list[FakeService], portrait: Path):
    """It goes to loopback, where the endpoint points, and not on."""
    root = secured.as_(ROOT)
    fakes[0].behaviour, fakes[0].location = "redirect", fakes[1].url
    with changed(root, {URLS: fakes[0].url}), pytest.raises(ApiError) as refused:
        root.index(index="faces", document={"image": encoded(portrait)})
    assert refused.value.status_code == 429
    assert fakes[0].keys == {f"Bearer {KEY}"}
    assert fakes[1].keys == set()


def test_the_admin_installs_and_looks_after_indices_and_changes_no_setting(secured: Secured):
    admin, root = secured.as_("faces_admin"), secured.as_(ROOT)
    try:
        admin.indices.create(index="faces-admins", mappings={"properties": {"mine": {"type": "keyword"}}})
        admin.indices.put_mapping(index="faces-admins", meta={"mine": True})
        admin.indices.put_alias(index="faces-admins", name="faces-admins-alias", is_write_index=True)
        admin.indices.update_aliases(
            actions=[{"remove": {"index": "faces-admins", "alias": "faces-admins-alias"}}]
        )
        admin.indices.refresh(index="faces-admins")
        admin.indices.forcemerge(index="faces-admins")
        admin.indices.stats(index="faces-admins")
        admin.indices.get_settings(index="faces-admins")
        admin.indices.add_block(index="faces-admins", block="write")
        admin.indices.rollover(alias="faces", dry_run=True)
        admin.nodes.reload_secure_settings()
        for settings in (
            {"index.search.slowlog.threshold.query.trace": "0ms"},
            {"index.indexing.slowlog.threshold.index.trace": "0ms"},
            {"index.default_pipeline": "_none"},
            {"index.blocks.write": None},
        ):
            with pytest.raises(AuthorizationException):
                admin.indices.put_settings(index="faces-admins", settings=settings)
        with pytest.raises(AuthorizationException):
            admin.indices.close(index="faces-admins")
        with pytest.raises(AuthorizationException):
            admin.indices.clone(index="faces-admins", target="faces-admins-clone")
    finally:
        root.options(ignore_status=404).indices.delete(index="faces-admins")


@pytest.mark.parametrize(
    "settings",
    [
        {URLS: "http://127.0.0.1:9"},
        {"cluster.blocks.read_only": True},
        {"xpack.security.transport.filter.enabled": False},
        {"xpack.security.http.filter.enabled": False},
        {"logger.org.elasticsearch.http.HttpBodyTracer": "TRACE"},
    ],
)
def test_the_admin_changes_no_setting_of_the_cluster(secured: Secured, settings):
    with pytest.raises(AuthorizationException):
        secured.as_("faces_admin").cluster.put_settings(persistent=settings)


@pytest.fixture
def slow(secured: Secured, fakes: list[FakeService]) -> Iterator[Callable[..., list[dict]]]:
    """Sends photos in one bulk through an endpoint with a time-out of 2 s; returns the items."""
    root = secured.as_(ROOT)
    settings = {f"{SLOW}.urls": fakes[0].url, f"{SLOW}.timeout": "2s", "face.batch.linger": "200ms"}
    with changed(root, settings):
        root.indices.create(index="faces-slow")

        def send(*photos: bytes, **options: object) -> list[dict]:
            processor = {"face": {"endpoint": "slow", "model": MODEL["id"], **options}}
            root.ingest.put_pipeline(id="slow", processors=[processor])
            operations: list[dict] = []
            for number, photo in enumerate(photos):
                operations += [
                    {"create": {"_index": "faces-slow", "_id": str(number)}},
                    {"image": encoded(photo)},
                ]
            answer = root.bulk(operations=operations, pipeline="slow")
            return [item["create"] for item in answer["items"]]

        yield send
        root.indices.delete(index="faces-slow")
        root.ingest.delete_pipeline(id="slow")


GOOD = [b"one photo", b"another photo", b"a third photo"]


@pytest.mark.parametrize("position", [0, 3])
def test_a_photo_that_takes_too_long_is_refused_alone_and_for_good(slow, position):
    photos = [*GOOD[:position], SLOW_PHOTO, *GOOD[position:]]
    items = slow(*photos, on_error="fail")
    assert [item["status"] for item in items] == [400 if photo == SLOW_PHOTO else 201 for photo in photos]
    assert "too_slow" in bracketed(innermost(items[position]["error"]))


def test_or_is_kept_with_its_error(secured: Secured, slow):
    assert [item["status"] for item in slow(*GOOD, SLOW_PHOTO)] == [201] * 4
    stored = secured.as_(ROOT).get(index="faces-slow", id="3")["_source"]
    assert stored["error"]["code"] == "too_slow"
    assert "image" in stored


def test_a_service_that_answers_nobody_is_blamed_and_no_photo_is(fakes: list[FakeService], slow):
    fakes[0].behaviour = "slow"
    assert [item["status"] for item in slow(*GOOD)] == [429] * 3
