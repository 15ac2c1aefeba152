"""A node with security, a service with TLS and a key: who may do what, and how a wrong key fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from elasticsearch import ApiError, AuthorizationException, BadRequestError, Elasticsearch
from fake_service import FakeService
from secured import PASSWORD, ROOT
from secured_stack import KEY, SETTING, WRONG_KEY, Secured
from tools import bracketed, encoded, face_stats, innermost

from faces.calibration.board_verdicts import of_cluster
from kibana.verdicts import NOT_CALIBRATED


@pytest.fixture(autouse=True)
def discreet(secured: Secured, portrait: Path) -> Iterator[None]:
    """No log contains a key, a password or a part of the photo."""
    yield
    photo = encoded(portrait)
    secrets = [KEY, WRONG_KEY, PASSWORD, photo[:60], photo[len(photo) // 2 :][:60]]
    logs = [
        *(secured.node.folder / "logs").glob("*"),
        *(secured.node.folder.parent / "service").rglob("*.log"),
    ]
    assert len(logs) > 2
    for log in logs:
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log.name


@pytest.fixture(scope="module")
def ben(people: dict[str, list[Path]]) -> list[Path]:
    return people["ben_afflek"]


@pytest.fixture(scope="module")
def archive(secured: Secured, ben: list[Path]) -> None:
    """One document in the archive, one in an index that a visitor may read, one in the gallery."""
    root = secured.as_(ROOT)
    root.indices.create(index="faces-open")
    for index in ("faces", "faces-open"):
        root.index(index=index, id="ben", document={"image": encoded(ben[0])}, refresh=True)
    portrait = {"image": encoded(ben[0]), "person": {"name": "Ben"}, "tags": ["watch"]}
    root.index(index="face-gallery", id="ben", document=portrait, refresh=True)


def forbidden(call: Callable[..., object], **arguments: object) -> bool:
    try:
        call(**arguments)
    except AuthorizationException:
        return True
    return False


def refusal(es: Elasticsearch, photo: Path, index: str = "faces") -> tuple[int, str]:
    """Status and reason of a photo's refusal."""
    with pytest.raises(ApiError) as raised:
        es.index(index=index, document={"image": encoded(photo)})
    return raised.value.status_code, innermost(raised.value.body["error"])


def test_access_needs_a_password_and_tls(secured):
    health = "/_cluster/health"
    verify = str(secured.authority.certificate)
    assert requests.get(secured.node.url + health, verify=verify, timeout=30).status_code == 401
    with pytest.raises(requests.ConnectionError):
        requests.get(secured.node.url.replace("https", "http") + health, timeout=30)


def test_a_sender_ingests_and_has_probes_identified_and_reads_nothing(secured, archive, ben):
    sender, root = secured.as_("faces_sender"), secured.as_(ROOT)
    operations: list[dict] = []
    for index in ("faces", "face-probes"):
        for number, photo in enumerate(ben[:2]):
            operations += [{"create": {"_index": index, "_id": f"sent-{number}"}}, {"image": encoded(photo)}]
    answer = sender.bulk(operations=operations)
    assert [item["create"]["status"] for item in answer["items"]] == [201] * 4
    root.indices.refresh(index="face-probes")
    probes = root.search(index="face-probes", query={"term": {"matched_people": "Ben"}})["hits"]["hits"]
    assert len(probes) == 2
    assert probes[0]["_source"]["faces"][0]["match"]["tags"] == ["watch"]
    for index in ("faces", "faces-000001", "faces-open", "face-probes", "face-gallery", "*"):
        found = sender.options(ignore_status=403).search(index=index, allow_no_indices=True)
        assert found.meta.status == 403 or found["hits"]["hits"] == []
    assert forbidden(sender.get, index="faces", id="sent-0")
    assert forbidden(sender.index, index="faces", id="sent-0", document={"image": encoded(ben[0])})
    assert forbidden(sender.delete, index="face-probes", id="sent-0")
    assert forbidden(sender.index, index="face-gallery", document={"image": encoded(ben[0])})
    assert forbidden(sender.ingest.put_pipeline, id="mine", processors=[])


def test_an_analyst_changes_neither_endpoints_nor_pipelines(secured):
    analyst = secured.as_("faces_analyst")
    elsewhere = {"face.endpoint.default.urls": "http://127.0.0.1:9"}
    assert forbidden(analyst.cluster.put_settings, persistent=elsewhere)
    assert forbidden(analyst.cluster.put_settings, transient=elsewhere)
    assert forbidden(analyst.nodes.reload_secure_settings)
    assert forbidden(analyst.ingest.put_pipeline, id="faces", processors=[])
    assert forbidden(analyst.ingest.delete_pipeline, id="faces")


def test_a_user_without_access_to_the_calibration_is_refused_rather_than_told_that_there_is_none(secured):
    assert of_cluster(secured.as_("faces_analyst")) == NOT_CALIBRATED
    assert forbidden(of_cluster, es=secured.as_("visitor"))
    assert forbidden(of_cluster, es=secured.as_("faces_gallery_keeper"))


@pytest.mark.parametrize("form", ["url", "host:port", "setting"])
def test_a_pipeline_author_reaches_no_other_host(secured, ben, fakes: list[FakeService], form):
    author = secured.as_("pipeline_author")
    url = fakes[0].url
    options = {
        "url": {"endpoint": url},
        "host:port": {"endpoint": url.removeprefix("http://")},
        "setting": {"endpoint": "default", "urls": [url]},
    }[form]
    processors = [{"face": {"model": secured.service.model, **options}}]
    with pytest.raises(BadRequestError):
        author.ingest.put_pipeline(id="mine", processors=processors)
    document = {"_source": {"image": encoded(ben[0])}}
    with suppress(BadRequestError):
        author.ingest.simulate(pipeline={"processors": processors}, docs=[document])
    assert fakes[0].batches == []


@pytest.mark.parametrize(
    "seed",
    [
        {"document": {"index": "faces", "id": "ben"}},
        {"document": {"index": "faces-000001", "id": "ben"}},
        {"filter": {"index": "faces", "query": {"match_all": {}}}},
        {"filter": {"index": "faces", "query": [{"ids": {"values": ["ben"]}}]}},
    ],
)
def test_a_document_that_the_caller_may_not_read_cannot_be_the_query(secured, archive, seed):
    query = {"field": "faces.vector", "k": 5, "num_candidates": 50, "query_vector_builder": {"face": seed}}
    assert forbidden(secured.as_("visitor").search, index="faces-open", knn=query)
    hits = secured.as_(ROOT).search(index="faces-open", knn=query)["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["ben"]


def test_a_filter_over_a_pattern_of_indices_matches_only_what_the_caller_may_read(secured, archive):
    """With a pattern, Elasticsearch leaves out the indices that the user may not read."""
    seed = {"filter": {"index": "faces-*", "query": {"match_all": {}}}}
    query = {"field": "faces.vector", "k": 5, "num_candidates": 50, "query_vector_builder": {"face": seed}}
    hits = secured.as_("visitor").search(index="faces-open", knn=query)["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["ben"]


def test_a_wrong_key_is_named_and_the_right_one_works_without_a_restart(secured, ben):
    sender = secured.as_("faces_sender")
    retries = statistics(secured)["retries"]
    secured.use_key(WRONG_KEY)
    try:
        status, reason = refusal(sender, ben[1])
    finally:
        secured.use_key(KEY)
    assert status == 429
    assert {"401", SETTING} <= bracketed(reason)
    assert WRONG_KEY not in reason
    assert statistics(secured)["failures"]["status_401"] >= 1
    assert statistics(secured)["retries"] == retries
    assert sender.index(index="faces", document={"image": encoded(ben[1])})["result"] == "created"


def test_a_certificate_of_an_unknown_authority_is_refused_without_a_retry(secured, ben):
    root = secured.as_(ROOT)
    setting = "face.endpoint.default.ssl.certificate_authorities"
    retries = statistics(secured)["retries"]
    root.cluster.put_settings(persistent={setting: ["other.crt"]})
    try:
        status, reason = refusal(secured.as_("faces_sender"), ben[1])
    finally:
        root.cluster.put_settings(persistent={setting: None})
    assert status == 429
    assert {setting, secured.service.url.removeprefix("https://")} <= bracketed(reason)
    assert statistics(secured)["failures"]["tls"] == 1
    assert statistics(secured)["retries"] == retries
    created = secured.as_("faces_sender").index(index="faces", document={"image": encoded(ben[1])})
    assert created["result"] == "created"


def statistics(secured: Secured) -> dict:
    """The default endpoint's statistics on the one node, as an analyst sees them."""
    answer = face_stats(secured.as_("faces_analyst"))
    assert KEY not in str(answer)
    (node,) = answer["nodes"].values()
    return node["endpoints"]["default"]
