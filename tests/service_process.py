"""The service in a process of its own, as its operators run it, and requests to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families
from tools import encoded, wait_until

from es_setup.embedded.local_node import free_port, stop

ROOT = Path(__file__).parents[1]
PATIENCE = 60
"""Seconds after which a test gives up."""


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


def faces(url: str, *photos: bytes | Path, timeout: float = PATIENCE, headers=None, **fields):
    body = {"images": [{"image": encoded(photo)} for photo in photos], **fields}
    return requests.post(f"{url}/v1/faces", json=body, headers=headers, timeout=timeout)


def is_result(response) -> bool:
    return response.status_code == 200 and len(response.json()["results"][0]["faces"]) == 1


def metrics(url: str) -> dict[tuple, float]:
    """{(sample's name, its labels' values): value}."""
    text = requests.get(f"{url}/metrics", timeout=PATIENCE).text
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def is_idle(url: str) -> bool:
    now = metrics(url)
    return now["faces_queue_depth", "photos"] == now["faces_queue_depth", "faces"] == 0


def lines(log: Path) -> list[dict]:
    """Every line of the log; each must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def exchange(port: int, sent: bytes, finish: bool = True) -> bytes:
    """Raw bytes there, and all that comes back until the service hangs up or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        with suppress(OSError):  # the service may have answered and hung up already
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
