"""What operators see: metrics and log lines, and never a part of a photo."""

from __future__ import annotations

import json
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from service_process import PATIENCE, exchange, faces, is_result, launched, lines, metrics
from tools import encoded, landscape, picture


def test_metrics_count_what_was_asked_found_batched_and_refused(start, people, group_photo):
    photos = [people[name][0] for name in sorted(people)]
    with start(linger_ms=200) as running:
        gate = threading.Barrier(8)

        def client(number: int):
            gate.wait(PATIENCE)
            return faces(running.url, photos[number % len(photos)])

        with ThreadPoolExecutor(8) as clients:
            assert all(map(is_result, clients.map(client, range(8))))
        assert faces(running.url, b"no photo", group_photo).status_code == 200
        assert requests.post(f"{running.url}/v1/faces", json={}, timeout=PATIENCE).status_code == 400
        assert requests.get(f"{running.url}/v1/secret-name", timeout=PATIENCE).status_code == 404
        now = metrics(running.url)
    assert now["faces_requests_total", "/v1/faces", "200"] == 9
    assert now["faces_requests_total", "/v1/faces", "400"] == 1
    assert now["faces_requests_total", "other", "404"] == 1
    assert not [key for key in now if "/v1/secret-name" in key]
    assert now["faces_photos_total",] == 10
    assert now["faces_faces_total",] == 11
    assert now["faces_batch_size_sum",] == 11
    assert now["faces_batch_size_count",] < now["faces_batch_size_sum",], "no two faces ran together"
    for stage, count in {"decode": 10, "detect": 9, "pictures": 9}.items():
        assert now["faces_stage_seconds_count", stage] == count
        assert now["faces_stage_seconds_sum", stage] > 0
    assert now["faces_stage_seconds_count", "embed"] == now["faces_batch_size_count",]
    assert now["faces_request_seconds_count", "/v1/faces"] == 10
    assert now["faces_errors_total", "not_an_image"] == 1
    assert now["faces_errors_total", "bad_request"] == 1
    assert now["faces_errors_total", "not_found"] == 1
    assert now["faces_queue_depth", "photos"] == now["faces_queue_depth", "faces"] == 0


def test_each_request_is_one_json_line_with_the_id_that_the_client_gave_and_gets_back(shared, portrait):
    url, log = shared
    response = faces(url, portrait, portrait, headers={"X-Request-Id": "trace:4.2_a-b"})
    assert response.headers["X-Request-Id"] == "trace:4.2_a-b"
    (line,) = [line for line in lines(log) if line.get("http.request.id") == "trace:4.2_a-b"]
    assert line["http.request.method"] == "POST"
    assert line["url.path"] == "/v1/faces"
    assert line["http.response.status_code"] == 200
    assert line["faces.photos"] == 2
    assert line["event.duration"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["@timestamp"])
    assert line["log.level"] == "info"


@pytest.mark.parametrize("given", ['a"}\t{"b', "x" * 65, "\xe9", "a b", "", "${jndi:ldap://x}", "<script>"])
def test_a_request_id_that_could_do_harm_is_replaced(shared, portrait, given):
    url, log = shared
    response = faces(url, portrait, headers={"X-Request-Id": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-Id"])
    assert response.headers["X-Request-Id"] in log.read_text()
    assert not given or given not in log.read_text()
    assert lines(log)


def test_no_log_line_holds_a_part_of_a_photo_or_vector_even_when_something_breaks(cache, tmp_path, portrait):
    """Photos that fail, damaged TIFFs at which libtiff talks, bytes behind a body, a failure inside."""
    broken = """
import ingest_service.renditions as renditions
from ingest_service.__main__ import main
whole = renditions.thumbnail
def thumbnail(pixels):
    if pixels.shape[0] == 77:
        raise RuntimeError(whole(pixels) + pixels.tobytes().hex())
    return whole(pixels)
renditions.thumbnail = thumbnail
main()
"""
    photo = encoded(portrait)
    fax = picture(landscape(96, 120).convert("1"), "TIFF", compression="group4")
    with launched(cache, {}, broken) as (port, process):
        url = f"http://127.0.0.1:{port}"
        answer = faces(url, portrait).json()["results"][0]
        vector = answer["faces"][0]["vector"]
        failing = picture(landscape(100, 77))
        result = faces(url, failing).json()["results"][0]
        assert result["error"]["code"] == "internal"
        assert "Traceback" not in json.dumps(result)
        noisy = bytearray(fax)
        noisy[20:120:3] = bytes(len(noisy[20:120:3]))
        faces(url, portrait.read_bytes()[:-2000], b"hello " * 50, bytes(noisy), fax[:-40])
        requests.post(f"{url}/v1/faces", data=photo, timeout=PATIENCE)
        requests.post(f"{url}/v1/faces", json={"model": photo, "images": [{"image": ""}]}, timeout=PATIENCE)
        requests.post(f"{url}/v1/faces", json={photo[:500]: 1}, timeout=PATIENCE)
        requests.get(f"{url}/{photo[:500].replace('/', '_')}", timeout=PATIENCE)
        # A body longer than it says: its rest stands where the next request's first line should.
        exchange(
            port,
            b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            + photo.encode()
            + b"\r\n\r\n",
        )
        process.send_signal(signal.SIGTERM)
        log = process.stderr.read().decode()
        process.wait(PATIENCE)
    parsed = [json.loads(line) for line in log.splitlines()]
    assert any("RuntimeError" in line["message"] and line["log.level"] == "error" for line in parsed)
    secrets = [
        photo,
        encoded(failing),
        answer["thumbnail"],
        answer["faces"][0]["crop"],
        answer["file"]["hash"]["sha256"],
    ]
    for secret in secrets:
        for place in range(0, min(len(secret), 4_000) - 40, 40):
            assert secret[place : place + 40] not in log
    assert not [value for value in vector if len(str(value)) > 7 and str(value) in log]
    assert not re.search(r"[A-Za-z0-9+/=]{100}", log)
