"""Who is let in: API keys and TLS."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys

import pytest
import requests
from service_process import PATIENCE, ROOT, exchange, faces, is_result, launched
from tools import encoded

from es_setup.embedded.local_node import free_port


def test_each_key_of_the_environment_and_the_file_opens_and_none_is_ever_logged(start, tmp_path, portrait):
    keys = ["from-the-environment-1", "from-the-file-2", "from-the-file-3"]
    file = tmp_path / "keys"
    file.write_text(f"# two keys\n{keys[1]}\n\n  {keys[2]}  \n")
    with start(api_keys_file=file) as running:
        for key in keys[1:]:
            for scheme in ("Bearer", "bearer", "ApiKey"):
                assert is_result(faces(running.url, portrait, headers={"Authorization": f"{scheme} {key}"}))
        for wrong in ("", "Bearer wrong", "Bearer # two keys", "Bearer ", f"Basic {keys[1]}", keys[1]):
            refused = faces(running.url, portrait, headers={"Authorization": wrong} if wrong else None)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        metrics = f"{running.url}/metrics"
        assert requests.get(metrics, timeout=PATIENCE).status_code == 401
        key = {"Authorization": f"Bearer {keys[1]}"}
        assert requests.get(metrics, headers=key, timeout=PATIENCE).status_code == 200
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
    said = run.stderr.splitlines()[-1]
    assert name in said
    assert f"[{file}]" in said
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
