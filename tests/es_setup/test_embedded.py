"""The embedded Elasticsearch and the service end together, and leave other processes and files alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from es_setup.embedded.local_node import require_free
from es_setup.embedded.plugins import EngineError
from faces.local_stack import prepare_all, working_folder

ROOT = Path(__file__).parents[2]


def test_a_port_in_use_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=rf"\b{port}\b.*Elasticsearch"):
            require_free(port, "Elasticsearch")


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


def test_when_one_server_ends_the_other_is_stopped_and_the_log_is_named():
    prepare_all(print)
    ports = free_ports(2)
    with working_folder() as data:
        process = faces_up(data, *ports)
        wait_for(process, f"http://127.0.0.1:{ports[0]}")
        wait_for(process, "installed")
        (service,) = (
            child for child in psutil.Process(process.pid).children() if "ingest_service" in child.cmdline()
        )
        os.killpg(service.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    (error,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert "inference service" in error
    assert error.endswith(str(data / "ingest-face" / "logs" / "service.log"))
    for port in ports:
        require_free(port, "another server")


def faces_up(data: Path, es_port: int, faces_port: int) -> subprocess.Popen[str]:
    ports = ["--es-port", str(es_port), "--faces-port", str(faces_port)]
    command = [sys.executable, "-m", "faces", "up", "--data", str(data), *ports]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ)


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
