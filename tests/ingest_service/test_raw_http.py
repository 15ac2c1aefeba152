"""HTTP at the socket: slow, broken, chunked and far too large requests, and curl."""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess

import pytest
from service_process import PATIENCE, exchange, faces, is_idle, is_result, launched
from tools import encoded, wait_until


def test_clients_that_send_half_a_request_block_no_other(cache, portrait):
    """More of them than the service has threads (8, and two for each photo that may wait)."""
    halves = (b"POST /v1/fa", b"POST /v1/faces HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{", b"")
    with launched(cache, {"FACES_MAX_WAITING": "2"}) as (port, _):
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


def test_the_bodies_of_all_requests_together_are_limited_by_the_bytes_received(start, portrait):
    """Five largest ones, as these are small enough for the reserve; not by what senders say of their length,
    or six liars would keep all out. Whoever holds most, and doesn't finish, makes room."""
    with start(max_body_bytes=263_000) as running:
        port = int(running.url.rsplit(":", 1)[1])
        head = request(b"", "Content-Length: 263000")
        senders = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(6)]
        for sender in senders:
            sender.sendall(head)
        assert is_result(faces(running.url, portrait))
        for sender in senders[:5]:
            sender.sendall(b" " * 262_500)
        wait_until(lambda: is_result(faces(running.url, portrait)) and answered(senders))
        (refused,) = answered(senders)
        assert refused.recv(100).startswith(b"HTTP/1.1 429 ")
        for sender in set(senders[:5]) - {refused}:
            sender.sendall(b" " * 500)
            assert sender.recv(100).startswith(b"HTTP/1.1 400 ")
        for sender in senders:
            sender.close()
        wait_until(lambda: is_result(faces(running.url, portrait)))


def answered(clients: list[socket.socket]) -> list[socket.socket]:
    return select.select(clients, [], [], 0)[0]


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


def request(body: bytes, *headers: str) -> bytes:
    head = ["POST /v1/faces HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if not any(header.startswith("Content-Type") for header in headers):
        head.append("Content-Type: application/json")
    return "\r\n".join([*head, "", ""]).encode() + body


def chunked(body: bytes, size: int = 50_000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_curl_sends_photos_as_files_and_gets_what_json_gets(shared, people, tmp_path):
    url, _ = shared
    one, other = people["madonna"][:2]
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"images": [{"image": encoded(one)}, {"image": encoded(other)}]}))
    files = ("-F", f"image=@{one}", "-F", f"image=@{other}")
    as_json = curl("--json", f"@{body}", f"{url}/v1/faces")
    assert curl(*files, f"{url}/v1/faces") == as_json
    assert curl("-d", f"@{body}", "-H", "Content-Type: application/json", f"{url}/v1/faces") == as_json
    assert [len(result["faces"]) for result in as_json["results"]] == [1, 1]
    assert curl(*files, f"{url}/v1/verify") == curl("--json", f"@{body}", f"{url}/v1/verify")
    assert (
        "vector"
        not in curl("-F", f"image=@{one}", "-F", "return=crop", f"{url}/v1/faces")["results"][0]["faces"][0]
    )


def curl(*arguments: object) -> dict:
    run = subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)
