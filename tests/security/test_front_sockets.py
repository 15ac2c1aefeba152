"""Slow, silent and greedy clients, before any key: the others don't notice them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import hostile_photos as hostile
import pytest
from hostile_clients import Watch, clients, is_closed, send
from secured import Authority
from service_process import faces, is_result, metrics
from tools import wait_until

from faces.local_service import RunningService, running_service
from ingest_service.weights.cache import Cache

HALF_HEAD = b"POST /v1/faces HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HEAD = b"POST /v1/faces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HALF_BODY = HEAD + b"Content-Length: 9000000\r\n\r\n{"
HALF_CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
LARGE = "/docs/js/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def service(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(cache, tmp_path_factory.mktemp("front")) as running:
        yield running


def port_of(service: RunningService) -> int:
    return int(service.url.rsplit(":", 1)[1])


@pytest.mark.parametrize(
    ("count", "begin", "drip"),
    [
        (80, HALF_HEAD, b"a"),
        (500, b"", b""),
        (2_000, b"", b""),
        (300, HALF_BODY, b" "),
        (300, HALF_CHUNK, b" "),
        (300, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /", b"a"),
    ],
    ids=["half a head", "500 silent", "2000 silent", "half a body", "half a chunk", "kept alive"],
)
def test_clients_that_send_slowly_or_nothing_take_nothing_from_others(service, portrait, count, begin, drip):
    with Watch(service.url, portrait) as watch, clients(port_of(service), count) as slow:
        for client in slow:
            send(client, begin)
        for _ in range(3):
            for client in slow:
                send(client, drip)
            watch.wait(2)


def test_clients_that_do_not_read_take_nothing_from_others(service, portrait):
    """Answers of 1.5 MB for receivers of a few kB."""
    asked = f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with Watch(service.url, portrait) as watch, clients(port_of(service), 300, receive_buffer=4096) as slow:
        for client in slow:
            send(client, asked)
        watch.wait()


def test_slow_handshakes_take_nothing_from_others(cache, tmp_path, portrait):
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.issue("service")
    environment = {"FACES_TLS_CERTIFICATE": str(certificate), "FACES_TLS_KEY": str(key)}
    with running_service(
        cache, tmp_path, environment=environment, certificate_authority=authority.certificate
    ) as service:
        how = {"verify": str(authority.certificate)}
        with Watch(service.url, portrait, **how) as watch, clients(port_of(service), 300) as slow:
            hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
            for number, client in enumerate(slow):
                send(client, hello[: number % len(hello)])
            for _ in range(3):
                for client in slow:
                    send(client, b"\0")
                watch.wait(2)


def test_many_bytes_of_requests_that_never_end_leave_room_for_a_photo(service, portrait):
    """More than all requests together may have: 4 of 128 MB."""
    begin = HEAD + b"Content-Length: 127000000\r\n\r\n"
    with clients(port_of(service), 5) as greedy, ThreadPoolExecutor(5) as senders:
        list(senders.map(lambda client: send(client, begin + b" " * 126_000_000), greedy))
        with Watch(service.url, portrait) as watch:
            watch.wait()


def test_large_requests_of_slow_photos_leave_room_for_a_photo(cache, tmp_path, portrait):
    """All bytes that requests together may have are in progress."""
    environment = {"FACES_MAX_BODY_BYTES": "10000000", "FACES_DEADLINE_S": "8"}
    slow = hostile.scans(7_000, 7_000, 85).ljust(7_480_000, b"\0")
    good = portrait.read_bytes().ljust(300_000, b"\0")
    with running_service(cache, tmp_path, environment=environment) as service, ThreadPoolExecutor(4) as pool:
        late = [pool.submit(faces, service.url, slow) for _ in range(4)]
        wait_until(lambda: metrics(service.url)["faces_queue_depth", "photos"] == 4)
        assert is_result(faces(service.url, good))
        assert metrics(service.url)["faces_queue_depth", "photos"] == 4
        assert {each.result().status_code for each in late} <= {200, 503}


def test_many_tiny_chunks_take_nothing_from_others(service, portrait):
    tiny = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 200_000
    with Watch(service.url, portrait) as watch:
        for _ in range(3):
            with clients(port_of(service), 40) as senders:
                for client in senders:
                    send(client, tiny)
                watch.wait(1)


@pytest.mark.parametrize("begin", [b"", HALF_HEAD, HALF_BODY, HALF_CHUNK], ids=range(4))
def test_the_time_for_a_request_does_not_begin_anew_with_each_byte(cache, tmp_path, begin):
    environment = {"FACES_REQUEST_TIMEOUT_S": "1"}
    with (
        running_service(cache, tmp_path, environment=environment) as service,
        clients(port_of(service), 1) as (client,),
    ):
        send(client, begin)

        def is_cut() -> bool:
            send(client, b" " if begin else b"")
            return is_closed(client)

        wait_until(is_cut, patience=20)


def test_the_time_to_read_an_answer_has_an_end(cache, tmp_path):
    """A few bytes now and then don't lengthen it."""
    environment = {"FACES_REQUEST_TIMEOUT_S": "1"}
    with (
        running_service(cache, tmp_path, environment=environment) as service,
        clients(port_of(service), 1, receive_buffer=4096) as (client,),
    ):
        # More than the system's own buffers take.
        send(client, 10 * f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

        def is_cut() -> bool:
            try:
                return client.recv(256) == b""
            except OSError:
                return True

        wait_until(is_cut, patience=20)


def test_connections_are_bounded_in_all_and_the_longest_silent_one_goes_first(cache, tmp_path, portrait):
    environment = {"FACES_MAX_CONNECTIONS": "20", "FACES_MAX_CONNECTIONS_PER_ADDRESS": "10"}
    with (
        running_service(cache, tmp_path, environment=environment) as service,
        clients(port_of(service), 30) as silent,
    ):
        wait_until(lambda: sum(map(is_closed, silent)) == 20)
        assert all(map(is_closed, silent[:20]))
        assert is_result(faces(service.url, portrait))
        assert not is_closed(silent[-1])


def test_a_request_in_progress_is_never_closed_to_make_room(cache, tmp_path, large_photo, portrait):
    environment = {"FACES_MAX_CONNECTIONS_PER_ADDRESS": "5"}
    with running_service(cache, tmp_path, environment=environment) as service, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(faces, service.url, *[large_photo] * 4)
        wait_until(lambda: metrics(service.url)["faces_queue_depth", "photos"] == 4)
        with clients(port_of(service), 30) as silent:
            wait_until(lambda: sum(map(is_closed, silent)) >= 26)
            assert len(slow.result().json()["results"]) == 4


def test_sigterm_with_slow_connections_open_finishes_what_is_accepted(cache, tmp_path, large_photo):
    with (
        running_service(cache, tmp_path) as service,
        ThreadPoolExecutor(1) as pool,
        clients(port_of(service), 100) as slow,
    ):
        for number, client in enumerate(slow):
            send(client, (b"", HALF_HEAD, HALF_BODY, HALF_CHUNK)[number % 4])
        photos = pool.submit(faces, service.url, *[large_photo] * 4)
        wait_until(lambda: metrics(service.url)["faces_queue_depth", "photos"] == 4)
        os.kill(service.pid, signal.SIGTERM)
        assert len(photos.result().json()["results"]) == 4
        wait_until(lambda: service.has_ended, patience=20)
        assert service.process.returncode == 0
