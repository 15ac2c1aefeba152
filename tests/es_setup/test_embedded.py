"""The embedded engine keeps to what is its own."""

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


def test_a_port_that_somebody_else_has_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} is in use"):
            require_free(port, "Elasticsearch")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_command_stops_the_servers_and_leaves_other_files_alone(tmp_path_factory, ending):
    """`faces up`, ended while it starts Elasticsearch: nothing runs on, and the folder's own files stay."""
    prepare_all(print)
    # Not pytest's own folder: as root that is closed to the user that runs Elasticsearch.
    data = tmp_path_factory.mktemp("data")
    (data / "config").mkdir()
    (data / "config" / "mine.txt").write_text("mine")
    owner = (data / "config").stat().st_uid
    ports = free_ports(2)
    process = faces_up(data, *ports)
    wait_for(process, "inference service ready")
    process.send_signal(ending)
    process.communicate(timeout=120)
    assert process.returncode == 130
    for port in ports:
        require_free(port, "the next")
    assert (data / "config" / "mine.txt").read_text() == "mine"
    assert (data / "config").stat().st_uid == owner


def test_a_server_that_ends_by_itself_is_said_and_the_other_stopped():
    prepare_all(print)
    ports = free_ports(2)
    with working_folder() as data:
        process = faces_up(data, *ports)
        wait_for(process, "indices installed")
        (service,) = (
            child for child in psutil.Process(process.pid).children() if "ingest_service" in child.cmdline()
        )
        os.killpg(service.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: the inference service has ended by itself; its log is " in said
    for port in ports:
        require_free(port, "the next")


def faces_up(data: Path, es_port: int, faces_port: int) -> subprocess.Popen[str]:
    ports = ["--es-port", str(es_port), "--faces-port", str(faces_port)]
    command = [sys.executable, "-m", "faces", "up", "--data", str(data), *ports]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ)


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    assert any(words in line for line in process.stderr)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
