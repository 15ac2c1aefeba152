"""`faces desk` in a process of its own, as its operators run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service_process import ROOT, ready
from tools import wait_until

from es_setup.embedded.local_node import free_port, stop


@dataclass(frozen=True)
class Desk:
    """log: what it has printed."""

    url: str
    log: Path


@contextmanager
def running_desk(folder: Path, environment: dict[str, str], *options: object) -> Iterator[Desk]:
    """Until the end of the block. Options: of the command."""
    port = free_port()
    scheme = "https" if "--tls-cert" in options else "http"
    desk = Desk(f"{scheme}://127.0.0.1:{port}", folder / f"desk-{port}.log")
    command = [sys.executable, "-m", "faces", "desk", "--port", str(port), *map(str, options)]
    with desk.log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or ready(f"{desk.url}/healthz"), patience=120)
        assert process.poll() is None, desk.log.read_text()
        yield desk
    finally:
        stop(process)
