"""The inference service stops, gets slow, and comes back: no document is lost, and errors name the reason."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from elasticsearch import ApiError
from elasticsearch.helpers import streaming_bulk
from tools import bracketed, face_stats, innermost, knn

from es_setup.embedded.local_node import free_port
from faces.local_service import running_service


@pytest.fixture
def endpoint(es):
    """A second endpoint, `moody`, at a port on which no server listens yet."""
    port = free_port()
    settings = {"face.endpoint.moody.urls": f"http://127.0.0.1:{port}", "face.endpoint.moody.timeout": "1s"}
    es.cluster.put_settings(persistent=settings)
    yield port
    es.cluster.put_settings(persistent=dict.fromkeys(settings))


@contextmanager
def paused(pid: int):
    """Stops a process group, so that it accepts connections and doesn't answer."""
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


def test_down_slow_and_back_again(es, faces, bulk, pipeline, good, endpoint, cache, tmp_path):
    through = pipeline(endpoint="moody")
    patient = pipeline(endpoint="moody", on_unavailable="keep")
    finished = {"faces": [], "model": {"id": "any"}, "face_count": 0}
    documents = {"photo": good, "finished": finished}

    down = bulk(documents, pipeline=through)
    assert down["photo"]["status"] == 429
    assert down["photo"]["error"]["type"] == "es_rejected_execution_exception"
    assert {"moody", f"127.0.0.1:{endpoint}"} <= bracketed(innermost(down["photo"]["error"]))
    assert good["image"][:40] not in str(down)
    assert down["finished"]["status"] == 201
    kept = bulk({"kept": good}, pipeline=patient)
    assert kept["kept"]["status"] == 201
    stored = es.get(index=faces, id="kept")["_source"]
    assert stored["error"]["code"] == "unavailable"
    assert f"127.0.0.1:{endpoint}" in stored["error"]["message"]
    assert stored["image"] == good["image"]

    with running_service(cache, tmp_path, endpoint) as service:
        with paused(service.pid):
            slow = bulk(documents, pipeline=through)
            assert slow["photo"]["status"] == 429
            assert "1s" in bracketed(innermost(slow["photo"]["error"]))
            assert slow["finished"]["status"] == 200
        assert not es.exists(index=faces, id="photo")
        es.cluster.put_settings(persistent={"face.endpoint.moody.timeout": "30s"})
        back = bulk(documents, pipeline=through)
        assert back["photo"]["status"] == 201
        bulk({"kept": es.get(index=faces, id="kept")["_source"]}, pipeline=patient)
    again = es.get(index=faces, id="kept")["_source"]
    assert again["face_count"] == 1
    assert "error" not in again
    assert es.get(index=faces, id="photo")["_source"]["face_count"] == 1


def test_the_documented_retries_lose_no_document_while_the_service_is_away(
    es, faces, pipeline, good, endpoint, cache, tmp_path
):
    through = pipeline(endpoint="moody")
    es.cluster.put_settings(persistent={"face.endpoint.moody.timeout": "30s"})
    documents = [{"_index": faces, "_id": str(number), "pipeline": through, **good} for number in range(20)]
    settings = {"max_retries": 10, "initial_backoff": 0.5, "max_backoff": 30, "raise_on_error": False}
    with ThreadPoolExecutor() as background:
        indexing = background.submit(lambda: list(streaming_bulk(es, documents, **settings)))
        # The service needs seconds to start, and every document is refused with 429 until then.
        with running_service(cache, tmp_path, endpoint):
            outcomes = indexing.result(timeout=120)
    assert [ok for ok, _ in outcomes] == [True] * 20
    assert all(es.get(index=faces, id=str(number))["_source"]["face_count"] == 1 for number in range(20))


def test_a_search_while_the_endpoint_is_down_gets_429_with_its_name(es, good, endpoint):
    with pytest.raises(ApiError) as raised:
        es.search(index="faces", knn=knn(image=good["image"], endpoint="moody"))
    assert raised.value.status_code == 429
    assert "moody" in bracketed(innermost(raised.value.body["error"]))
    assert good["image"][:40] not in str(raised.value.body)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:8501", "http://user:secret@127.0.0.1", "http://h/?q=1"]
)
def test_an_invalid_address_is_refused_with_its_setting_and_without_its_password(es, url):
    with pytest.raises(ApiError) as raised:
        es.cluster.put_settings(persistent={"face.endpoint.wrong.urls": url})
    assert raised.value.status_code == 400
    assert "face.endpoint.wrong.urls" in str(raised.value.body)
    assert "secret" not in str(raised.value.body)


def test_with_one_of_several_addresses_down_no_document_is_refused(
    es, faces, bulk, pipeline, good, running, endpoint
):
    urls = [f"http://127.0.0.1:{endpoint}", running.connection.faces_url]
    es.cluster.put_settings(
        persistent={"face.endpoint.moody.urls": urls, "face.endpoint.moody.timeout": "30s"}
    )
    items = bulk({str(number): good for number in range(4)}, pipeline=pipeline(endpoint="moody"))
    assert {item["status"] for item in items.values()} == {201}


def test_the_photos_of_one_bulk_are_sent_in_batches_and_the_statistics_count_them(
    es, faces, bulk, pipeline, good, running
):
    es.cluster.put_settings(
        persistent={
            "face.endpoint.counted.urls": running.connection.faces_url,
            "face.batch.linger": "1s",  # on a busy machine the default is too short for full batches
        }
    )
    try:
        items = bulk({str(number): good for number in range(40)}, pipeline=pipeline(endpoint="counted"))
    finally:
        es.cluster.put_settings(persistent={"face.batch.linger": None})
    assert {item["status"] for item in items.values()} == {201}
    es.search(index=faces, knn=knn(image=good["image"], endpoint="counted"))
    (node,) = face_stats(es)["nodes"].values()
    counted = node["endpoints"]["counted"]
    assert counted["photos"] == 40
    assert counted["batches"] == 3
    assert counted["mean_batch"] == pytest.approx(40 / 3, abs=0.01)
    assert counted["retries"] == 0
    assert counted["failures"] == {}
    assert counted["queue"] == {"photos": 0, "bytes": 0, "in_flight": 0}
    assert sum(bucket["count"] for bucket in counted["latency"]) == 3
    assert counted["searches"]["photos"] == 1
    assert [(url["url"], url["state"]) for url in counted["urls"]] == [(running.connection.faces_url, "in")]
    es.cluster.put_settings(persistent={"face.endpoint.counted.urls": None})


def test_faults_are_counted_by_code_and_the_address_that_is_down_is_marked(
    es, bulk, pipeline, good, endpoint
):
    bulk({"1": good}, pipeline=pipeline(endpoint="moody"))
    (node,) = face_stats(es)["nodes"].values()
    moody = node["endpoints"]["moody"]
    assert moody["failures"]["connect"] >= 1
    assert moody["retries"] >= 1
    assert [url["state"] for url in moody["urls"]] == ["out"]
