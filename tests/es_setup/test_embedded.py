"""The embedded Elasticsearch and the service end together, and leave other processes and files alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from tools import line_with

from es_setup.embedded.local_node import require_free
from es_setup.embedded.plugins import EngineError
from faces.local_stack import prepare_all, working_folder
from faces.service_keeper import STARTS

ROOT = Path(__file__).parents[2]


def test_a_port_in_use_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=rf"\b{port}\b.*Elasticsearch"):
            require_free(port, "Elasticsearch")


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_command_stops_the_servers_and_leaves_other_files_alone(tmp_path_factory, ending):
    """`faces up`, ended while it starts Elasticsearch: no process is left, and the folder's files stay."""
    prepare_all(print)
    data = tmp_path_factory.mktemp("data")
    (data / "config").mkdir()
    (data / "config" / "mine.txt").write_text("mine")
    owner = (data / "config").stat().st_uid
    ports = free_ports(2)
    process = faces_up(data, *ports)
    wait_for(process, f"http://127.0.0.1:{ports[1]}")
    process.send_signal(ending)
    process.communicate(timeout=120)
    assert process.returncode == 130
    for port in ports:
        require_free(port, "another server")
    assert (data / "config" / "mine.txt").read_text() == "mine"
    assert (data / "config").stat().st_uid == owner


@pytest.mark.slow
def test_a_service_that_ends_is_started_again_while_elasticsearch_stays_up(up):
    process, data, (es_port, faces_port) = up
    node = node_id(es_port)
    for _ in range(STARTS):
        os.killpg(service_of(process).pid, signal.SIGKILL)
        wait_for(process, "starting it again")
        wait_for(process, "ready again")
        answer = requests.get(f"http://127.0.0.1:{faces_port}/readyz", timeout=30)
        assert answer.json()["model"]["dims"] == 128
        assert node_id(es_port) == node
    # It keeps ending: Elasticsearch stays until it is told to stop, and the command's status tells.
    log = str(data / "ingest-face" / "service" / "logs" / "service.log")
    os.killpg(service_of(process).pid, signal.SIGKILL)
    wait_for(process, log)
    assert node_id(es_port) == node
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert log in line_with("error: ", said)
    for port in (es_port, faces_port):
        require_free(port, "another server")


@pytest.mark.slow
def test_when_elasticsearch_ends_the_service_is_stopped_and_the_log_is_named(up):
    process, data, ports = up
    (node,) = (
        child for child in psutil.Process(process.pid).children() if "ingest_service" not in child.cmdline()
    )
    os.killpg(node.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert line_with("error: ", said).endswith(str(data / "ingest-face" / "logs" / "console.log"))
    for port in ports:
        require_free(port, "another server")


@pytest.fixture
def up() -> Iterator[tuple[subprocess.Popen[str], Path, list[int]]]:
    """`faces up`, ready: (process, its folder, the ports of Elasticsearch and the service)."""
    prepare_all(print)
    ports = free_ports(2)
    with working_folder() as data:
        process = faces_up(data, *ports)
        try:
            assert any("Ctrl-C" in line for line in process.stdout)
            yield process, data, ports
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=120)


def service_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The service that a command runs."""
    (service,) = (
        child
        for child in psutil.Process(process.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and "ingest_service" in child.cmdline()
    )
    return service


def node_id(port: int) -> str:
    """Elasticsearch's, which is another after a new start."""
    nodes = requests.get(f"http://127.0.0.1:{port}/_nodes/_local/jvm", timeout=30).json()["nodes"]
    ((name, node),) = nodes.items()
    return f"{name} {node['jvm']['start_time_in_millis']}"


def faces_up(data: Path, es_port: int, faces_port: int) -> subprocess.Popen[str]:
    ports = ["--es-port", str(es_port), "--faces-port", str(faces_port)]
    command = [sys.executable, "-m", "faces", "up", "--data", str(data), *ports]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Reads standard error up to the line that contains ``text``."""
    assert process.stderr is not None
    assert any(text in line for line in process.stderr)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
