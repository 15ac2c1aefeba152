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
from faces.server_keeper import STARTS

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
    process, data, (es_port, faces_port), _ = up
    node = node_id(es_port)
    for _ in range(STARTS):
        os.killpg(child_of(process, "ingest_service").pid, signal.SIGKILL)
        wait_for(process, "starting it again")
        wait_for(process, "ready again")
        answer = requests.get(f"http://127.0.0.1:{faces_port}/readyz", timeout=30)
        assert answer.json()["model"]["dims"] == 128
        assert node_id(es_port) == node
    # It keeps ending: Elasticsearch stays until it is told to stop, and the command's status tells.
    log = str(data / "ingest-face" / "service" / "logs" / "service.log")
    os.killpg(child_of(process, "ingest_service").pid, signal.SIGKILL)
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
    process, data, ports, _ = up
    (node,) = (child for child in psutil.Process(process.pid).children() if "java" in child.name())
    os.killpg(node.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert line_with("error: ", said).endswith(str(data / "ingest-face" / "logs" / "console.log"))
    for port in ports:
        require_free(port, "another server")


@pytest.mark.slow
def test_the_desk_is_the_first_address_at_a_free_port_if_its_own_is_taken_and_is_started_again(up):
    process, _, ports, printed = up
    desk = printed[0].split()
    assert desk[0] == "desk"
    assert int(desk[1].rpartition(":")[2]) not in ports
    assert "<form" in requests.get(desk[1], timeout=30).text
    os.killpg(child_of(process, "desk").pid, signal.SIGKILL)
    wait_for(process, "starting it again")
    wait_for(process, "ready again")
    assert requests.get(f"{desk[1]}/healthz", timeout=30).ok
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 0
    require_free(int(desk[1].rpartition(":")[2]), "another server")


@pytest.fixture
def up() -> Iterator[tuple[subprocess.Popen[str], Path, list[int], list[str]]]:
    """`faces up`, ready, while another listens at the desk's port: (process, its folder, the ports of
    Elasticsearch and the service, the lines that it printed)."""
    prepare_all(print)
    ports = free_ports(2)
    with working_folder() as data, socket.create_server(("127.0.0.1", 0)) as taken:
        process = faces_up(data, *ports, taken.getsockname()[1])
        try:
            printed: list[str] = []
            for line in process.stdout:
                printed += [line] if line.strip() else []
                if "Ctrl-C" in line:
                    break
            assert printed, process.communicate()[1]
            yield process, data, ports, printed
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=120)


def child_of(process: subprocess.Popen[str], word: str) -> psutil.Process:
    """The server that a command runs, by a word of its own command line."""
    (server,) = (
        child
        for child in psutil.Process(process.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and word in child.cmdline()
    )
    return server


def node_id(port: int) -> str:
    """Elasticsearch's, which is another after a new start."""
    nodes = requests.get(f"http://127.0.0.1:{port}/_nodes/_local/jvm", timeout=30).json()["nodes"]
    ((name, node),) = nodes.items()
    return f"{name} {node['jvm']['start_time_in_millis']}"


def faces_up(data: Path, es_port: int, faces_port: int, desk_port: int = 8502) -> subprocess.Popen[str]:
    given = {"--es-port": es_port, "--faces-port": faces_port, "--desk-port": desk_port}
    ports = [word for option, port in given.items() for word in (option, str(port))]
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
