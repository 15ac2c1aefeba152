"""The service as its operators meet it: a real process, under load, stopped, guarded, measured, logged."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tools import encoded, landscape, picture, wait_until

from es_setup.embedded.local_node import free_port, stop
from faces.local_service import running_service

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds after which what is waited for counts as never coming."""


@pytest.fixture
def start(cache, tmp_path, monkeypatch):
    """Starts the service with settings; its log is read by ``lines``."""

    @contextmanager
    def started(**settings: object):
        for name, value in settings.items():
            monkeypatch.setenv(f"FACES_{name.upper()}", str(value))
        with running_service(cache, tmp_path) as running:
            yield running

    return started


@pytest.fixture(scope="module")
def shared(cache, tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A service with settings of its own making, for tests that leave it as it was: (url, log)."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(cache, folder) as running:
        yield running.url, folder / "logs" / "service.log"


def metrics(url: str) -> dict[tuple, float]:
    """{(sample's name, its labels' values): value}."""
    text = requests.get(f"{url}/metrics", timeout=PATIENCE).text
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def is_idle(url: str) -> bool:
    now = metrics(url)
    return now["faces_queue_depth", "photos"] == now["faces_queue_depth", "faces"] == 0


def faces(url: str, *photos: bytes | Path, timeout: float = PATIENCE, headers=None, **fields):
    body = {"images": [{"image": encoded(photo)} for photo in photos], **fields}
    return requests.post(f"{url}/v1/faces", json=body, headers=headers, timeout=timeout)


def is_result(response) -> bool:
    return response.status_code == 200 and len(response.json()["results"][0]["faces"]) == 1


def lines(log: Path) -> list[dict]:
    """Every line of the log; each must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def alive(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def exit_status(pid: int) -> tuple[int, int]:
    """(how, status), as soon as the process has ended; it is left for its parent to reap."""
    wait_until(lambda: not alive(pid))
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended.si_code, ended.si_status


def test_200_clients_at_once_get_a_result_or_a_clean_429_and_the_service_is_as_before(start, portrait):
    with start(max_waiting=32) as running:
        before = faces(running.url, portrait).json()
        done = threading.Event()
        health: list[float] = []

        def watch() -> None:
            while not done.is_set():
                began = time.monotonic()
                assert requests.get(f"{running.url}/healthz", timeout=2).json() == {"status": "ok"}
                health.append(time.monotonic() - began)

        with ThreadPoolExecutor(201) as clients:
            watcher = clients.submit(watch)
            gate = threading.Barrier(200)

            def client(_: int) -> list:
                gate.wait(PATIENCE)
                return [faces(running.url, portrait) for _ in range(2)]

            answers = [answer for pair in clients.map(client, range(200)) for answer in pair]
            done.set()
            watcher.result(PATIENCE)
        assert len(answers) == 400
        assert {answer.status_code for answer in answers} == {200, 429}
        for answer in answers:
            if answer.status_code == 200:
                assert answer.json() == before
            else:
                assert answer.json()["error"]["code"] == "overloaded"
                assert int(answer.headers["Retry-After"]) >= 1
        assert health
        wait_until(lambda: is_idle(running.url))
        assert faces(running.url, portrait).json() == before
        assert metrics(running.url)["faces_errors_total", "overloaded"] == sum(
            answer.status_code == 429 for answer in answers
        )


def test_a_person_does_not_wait_behind_what_waits_in_bulk(start, portrait, large_photo):
    with start() as running, ThreadPoolExecutor(1) as clients:
        bulk = clients.submit(faces, running.url, *[large_photo] * 8)
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] == 8)
        assert is_result(faces(running.url, portrait, priority="search"))
        assert not bulk.done()
        assert len(bulk.result().json()["results"]) == 8


def test_a_person_is_let_in_though_bulk_fills_the_service(start, portrait, large_photo):
    with start(max_waiting=4) as running, ThreadPoolExecutor(1) as clients:
        bulk = clients.submit(faces, running.url, *[large_photo] * 4)
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] == 4)
        assert faces(running.url, portrait).status_code == 429
        assert is_result(faces(running.url, portrait, priority="search"))
        assert bulk.result().ok


def test_sigterm_under_load_loses_no_request_that_was_let_in(start, tmp_path, portrait, large_photo):
    with start(max_waiting=64) as running, ThreadPoolExecutor(24) as clients:
        answers = [clients.submit(faces, running.url, large_photo) for _ in range(24)]
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] >= 24 - done(answers) > 0)
        assert done(answers) < 24
        os.kill(running.pid, signal.SIGTERM)
        assert all(is_result(answer.result(PATIENCE)) for answer in answers)
        assert exit_status(running.pid) == (os.CLD_EXITED, 0)
        with pytest.raises(requests.ConnectionError):
            faces(running.url, portrait)
    text = (tmp_path / "logs" / "service.log").read_text()
    assert not re.search(r"Abort|core dumped|Segmentation|Traceback|terminate called|SIGKILL", text)
    answered = [
        line for line in lines(tmp_path / "logs" / "service.log") if line.get("url.path") == "/v1/faces"
    ]
    assert [line["http.response.status_code"] for line in answered] == [200] * 24


def done(futures: list) -> int:
    return sum(future.done() for future in futures)


def test_an_idle_service_ends_at_once_and_cleanly_and_so_it_does_on_ctrl_c(start, portrait):
    for number in (signal.SIGTERM, signal.SIGINT):
        with start() as running:
            assert is_result(faces(running.url, portrait))
            os.kill(running.pid, number)
            assert exit_status(running.pid) == (os.CLD_EXITED, 0)


def test_a_worker_that_dies_is_replaced(start, portrait):
    with start() as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

        def answers() -> bool:
            try:
                return is_result(faces(running.url, portrait))
            except requests.ConnectionError:
                return False

        wait_until(answers)


def test_what_takes_longer_than_the_deadline_is_a_503_and_the_queue_drains(start, large_photo, portrait):
    with start(deadline_s=1, workers=1) as running:
        late = faces(running.url, *[large_photo] * 16)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "deadline_exceeded")
        assert int(late.headers["Retry-After"]) >= 1
        wait_until(lambda: is_idle(running.url))
        wait_until(lambda: is_result(faces(running.url, portrait)) or None)
        assert metrics(running.url)["faces_errors_total", "deadline_exceeded"] >= 1


def test_each_key_of_the_environment_and_the_file_opens_and_none_is_ever_logged(start, tmp_path, portrait):
    keys = ["from-the-environment-1", "from-the-file-2", "from-the-file-3"]
    file = tmp_path / "keys"
    file.write_text(f"# two keys\n{keys[1]}\n\n  {keys[2]}  \n")
    with start(api_key="", api_keys_file=file) as running:
        for key in keys[1:]:
            for scheme in ("Bearer", "bearer", "ApiKey"):
                assert is_result(faces(running.url, portrait, headers={"Authorization": f"{scheme} {key}"}))
        for wrong in ("", "Bearer wrong", "Bearer # two keys", "Bearer ", f"Basic {keys[1]}", keys[1]):
            refused = faces(running.url, portrait, headers={"Authorization": wrong} if wrong else None)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        assert requests.get(f"{running.url}/metrics", timeout=PATIENCE).status_code == 200
    log = (tmp_path / "logs" / "service.log").read_text()
    assert not [key for key in [*keys, "wrong"] if key in log]


def test_the_environments_key_and_the_files_open_together(cache, tmp_path, portrait):
    (tmp_path / "keys").write_text("second\n")
    settings = {"FACES_API_KEY": "first", "FACES_API_KEYS_FILE": str(tmp_path / "keys")}
    with launched(cache, settings) as (port, _):
        url = f"http://127.0.0.1:{port}"
        for key, status in (("first", 200), ("second", 200), ("third", 401)):
            answer = faces(url, portrait, headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == status


@contextmanager
def launched(cache, settings: dict[str, str], code: str = "", scheme: str = "http"):
    """The service with an environment that ``running_service`` doesn't pass on: (port, process)."""
    port = free_port()
    environment = os.environ | {"FACES_PORT": str(port), "FACES_CACHE": str(cache.root)} | settings
    command = ["-c", code] if code else ["-m", "ingest_service"]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        wait_until(lambda: process.poll() is not None or ready(f"{scheme}://127.0.0.1:{port}/readyz"))
        yield port, process
    finally:
        stop(process)
        process.stderr.close()


def ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.exceptions.SSLError:
        return True  # it speaks, and its certificate is for the test to verify
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("name", "content"),
    [("FACES_API_KEYS_FILE", ""), ("FACES_API_KEYS_FILE", "# none\n\n"), ("FACES_TLS_KEY", None)],
)
def test_a_file_without_a_key_or_that_is_not_there_refuses_to_start(cache, tmp_path, name, content):
    file = tmp_path / "file"
    if content is not None:
        file.write_text(content)
    run = subprocess.run(
        [sys.executable, "-m", "ingest_service"],
        cwd=ROOT,
        env=os.environ | {name: str(file), "FACES_CACHE": str(cache.root), "FACES_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith(f"error: {name} is [{file}]")
    assert "Traceback" not in run.stderr


def test_with_a_certificate_it_speaks_tls_that_a_client_verifies_and_nothing_else(cache, tmp_path, portrait):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    made = [*command.split(), *names, "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    settings = {"FACES_TLS_CERTIFICATE": str(certificate), "FACES_TLS_KEY": str(key)}
    with launched(cache, settings, scheme="https") as (port, _):
        url = f"https://127.0.0.1:{port}/v1/faces"
        body = {"images": [{"image": encoded(portrait)}]}
        with requests.Session() as session:
            session.verify, session.trust_env = str(certificate), False
            for _ in range(3):
                assert is_result(session.post(url, json=body, timeout=PATIENCE))
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(url, json=body, timeout=PATIENCE)
        plain = exchange(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " not in plain
        assert b"status" not in plain
        context = ssl.create_default_context(cafile=certificate)
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as secure,
        ):
            assert secure.version() in ("TLSv1.2", "TLSv1.3")


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
import ingest_service.pictures as pictures
from ingest_service.__main__ import main
whole = pictures.thumbnail
def thumbnail(pixels):
    if pixels.shape[0] == 77:
        raise RuntimeError(whole(pixels) + pixels.tobytes().hex())
    return whole(pixels)
pictures.thumbnail = thumbnail
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
    assert any(line["message"].startswith("unexpected RuntimeError") for line in parsed)
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


def exchange(port: int, sent: bytes, finish: bool = True) -> bytes:
    """Raw bytes there, and all that comes back until the service hangs up or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        raw.sendall(sent)
        if finish:
            raw.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while part := raw.recv(65536):
                received += part
        except ConnectionResetError:
            pass
    return received


def test_clients_that_send_half_a_request_keep_nobody_out(cache, portrait):
    """More of them than the service has threads (8, and one for each photo that may wait)."""
    patience = "import ingest_service.__main__ as m; m.CLIENT_TIMEOUT_S = 2; m.main()"
    halves = (b"POST /v1/fa", b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{", b"")
    with launched(cache, {"FACES_MAX_WAITING": "2"}, patience) as (port, _):
        stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
        for number, client in enumerate(stalled):
            client.sendall(halves[number % 3])
        assert is_result(faces(f"http://127.0.0.1:{port}", portrait))
        for client in stalled:
            client.close()
        wait_until(lambda: is_idle(f"http://127.0.0.1:{port}"))


def test_a_few_clients_that_send_half_a_request_do_not_even_slow_the_others(shared, portrait):
    url, _ = shared
    port = int(url.rsplit(":", 1)[1])
    stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for client in stalled:
        client.sendall(b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
    assert is_result(faces(url, portrait, timeout=5))
    for client in stalled:
        client.close()


def request(body: bytes, *headers: str) -> bytes:
    head = ["POST /v1/faces HTTP/1.1", "Host: x", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def chunked(body: bytes, size: int = 50_000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_bodies_come_chunked_and_after_100_continue_too(shared, portrait):
    url, _ = shared
    port = int(url.rsplit(":", 1)[1])
    body = json.dumps({"images": [{"image": encoded(portrait)}], "return": []}).encode()
    for sent in (
        request(chunked(body), "Transfer-Encoding: chunked"),
        request(body, f"Content-Length: {len(body)}", "Expect: 100-continue"),
        request(body, f"Content-Length: {len(body)}"),
    ):
        received = exchange(port, sent)
        assert b"HTTP/1.1 200 OK\r\n" in received
        assert b'"confidence"' in received


def test_the_bodys_limit_holds_for_json_chunks_and_forms(start):
    with start(max_body_bytes=1_000_000) as running:
        port = int(running.url.rsplit(":", 1)[1])
        form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        form += b"0" * 1_100_000 + b"\r\n--x--\r\n"
        length, of_form = f"Content-Length: {len(form)}", "Content-Type: multipart/form-data; boundary=x"
        for sent in (
            request(form, length),
            request(form, length, of_form),
            request(chunked(form), "Transfer-Encoding: chunked"),
            request(chunked(form), "Transfer-Encoding: chunked", of_form),
        ):
            received = exchange(port, sent)
            assert received.startswith(b"HTTP/1.1 413 "), received[:200]
            assert b"body_too_large" in received
        promised = exchange(port, request(b"", "Content-Length: 99999999999", "Expect: 100-continue"))
        assert b" 413 " in promised


def test_the_bodies_of_all_requests_together_are_bounded_by_what_has_come(start, portrait):
    """Four largest ones; not by what senders say of their length, or five liars would keep all out.
    A body is read in parts of 64 KiB."""
    with start(max_body_bytes=263_000) as running:
        port = int(running.url.rsplit(":", 1)[1])
        head = request(b"", "Content-Length: 263000")
        senders = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(5)]
        for sender in senders:
            sender.sendall(head)
        assert is_result(faces(running.url, portrait))
        for sender in senders[:4]:
            sender.sendall(b" " * 262_500)
        more = f"{running.url}/v1/faces", b" " * 5_000
        wait_until(lambda: requests.post(*more, timeout=PATIENCE).status_code == 429)
        senders[4].sendall(b" " * 262_500)
        assert senders[4].recv(100).startswith(b"HTTP/1.1 429 ")
        for sender in senders[:4]:
            sender.sendall(b" " * 500)
            assert sender.recv(100).startswith(b"HTTP/1.1 400 ")
        for sender in senders:
            sender.close()
        wait_until(lambda: is_result(faces(running.url, portrait)))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(500)) + b"\r\n",
        b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /docs/../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /docs/%2e%2e/%2e%2e/__init__.py HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=range(12),
)
def test_a_request_that_is_no_http_or_half_of_it_is_a_4xx_or_a_hangup_without_a_traceback(
    shared, portrait, sent
):
    url, _ = shared
    received = exchange(int(url.rsplit(":", 1)[1]), sent)
    assert received == b"" or re.match(rb"HTTP/1\.1 4\d\d ", received), received[:300]
    assert b"Traceback" not in received
    assert is_result(faces(url, portrait))


def curl(*arguments: object) -> dict:
    run = subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_curl_sends_photos_as_files_and_gets_what_json_gets(shared, people, tmp_path):
    url, _ = shared
    one, other = people["madonna"][:2]
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"images": [{"image": encoded(one)}, {"image": encoded(other)}]}))
    files = ("-F", f"image=@{one}", "-F", f"image=@{other}")
    as_json = curl("--json", f"@{body}", f"{url}/v1/faces")
    assert curl(*files, f"{url}/v1/faces") == as_json == curl("-d", f"@{body}", f"{url}/v1/faces")
    assert [len(result["faces"]) for result in as_json["results"]] == [1, 1]
    assert curl(*files, f"{url}/v1/verify") == curl("--json", f"@{body}", f"{url}/v1/verify")
    assert (
        "vector"
        not in curl("-F", f"image=@{one}", "-F", "return=crop", f"{url}/v1/faces")["results"][0]["faces"][0]
    )
